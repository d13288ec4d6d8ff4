"""What each room logs: one run through every kind of destination, and what else an operator asks for, at DEBUG."""

import json
import logging
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import yaml

from export_pipelines import logs
from export_pipelines_tests.conftest import Project
from export_pipelines_tests.delivery.receivers import RECEIVERS
from export_pipelines_tests.shell import in_process
from export_pipelines_tests.test_secrets import forms

KINDS = ("folder", "download", "s3", "sftp (asyncssh)", "webhook", "email")
DAY = "2024-01-15"
PERSONAL = ("email", "first_name", "last_name", "phone_1", "address_1")
Records = list[dict[str, object]]


@pytest.fixture
def canaries(project: Project) -> set[str]:
    """What people typed who are exported that day; an export of all fields asks for their last names."""
    url = project.environment["EXPORT_PIPELINES_SOURCE_URL"]
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        rows = connection.execute(
            f"SELECT {', '.join(PERSONAL)} FROM leads WHERE submitted_at LIKE '{DAY}%'"
        ).fetchall()
    values = {value for row in rows for value in row if value}
    assert len(values) > 20
    return values


@pytest.fixture
def everywhere(project: Project, canaries: set[str], tmp_path: Path) -> Iterator[Project]:
    """A project whose export `works` is delivered to every kind of destination, in parts, and that logs all it can."""
    with ExitStack() as stack:
        entries = []
        for name in KINDS:
            folder = tmp_path / name
            folder.mkdir()
            receiver = stack.enter_context(RECEIVERS[name](folder))
            project.environment.update(getattr(receiver, "environment", {}))
            entry = receiver.entry()
            entries.append({entry["kind"]: entry["settings"]})
        export = {
            "type": "lead",
            "format": "csv",
            "fields": ["lead_id", "email", "last_name", "price"],
            "partition": "daily",
            "start": "2024-01-01",
            "filter": {"where": {"last_name": sorted(canaries)}},
            "split": {"rows": 3},
            "deliver": entries,
        }
        project.write("works", yaml.safe_dump(export))
        project.environment.update({logs.VARIABLE: "json", logs.LEVEL: "debug"})
        yield project


def records_of(answer: "subprocess.CompletedProcess[str]") -> Records:
    assert answer.returncode == 0, answer.stderr
    return [json.loads(line) for line in answer.stderr.splitlines()]


def rooms_of(records: Records) -> set[str]:
    return {".".join(str(record["room"]).split(".")[1:-1]) or str(record["room"]) for record in records}


def events_of(records: Records, level: str) -> list[str]:
    return [str(record["event"]) for record in records if record["level"] == level]


def test_one_run_is_told_by_every_room_under_one_id_and_without_a_value(
    everywhere: Project, canaries: set[str]
) -> None:
    ran = in_process(everywhere, "run", "works", "--partition", DAY)
    records = records_of(ran)
    (run,) = {record["run"] for record in records if record["event"] == "run started"}
    of_run = [record for record in records if record["run"] == run]
    kinds = {f"delivery.{kind}" for kind in ("folder", "s3", "sftp", "webhook", "email")}
    assert rooms_of(of_run) >= {
        *("read", "run", "artifacts", "artifacts.folder", "delivery", "ledger", "orchestration"),
        *kinds,
    }
    assert "export_pipelines.delivery.download" in {event["room"] for event in of_run}
    assert {event["stage"] for event in of_run if event["event"] == "batch done"} == {
        *("extract", "mask", "encode", "store")
    }
    deliveries = ["delivery started", "delivery finished"] * len(KINDS)
    assert events_of(of_run, "INFO") == ["run started", "run finished", *deliveries]
    secrets = {
        form
        for name, value in everywhere.environment.items()
        if not name.startswith("EXPORT_PIPELINES_") or name.endswith("KEY")
        for form in forms(value)
    }
    recipients = {word.strip('",') for word in ran.stderr.split() if "@" in word and "sftp://" not in word}
    assert recipients == set()
    texts = [ran.stderr, json.dumps(records, ensure_ascii=False)]
    assert [canary for canary in canaries | secrets if any(canary in text for text in texts)] == []


def test_a_retry_a_sweep_a_check_and_an_import_tell_their_start_and_end(
    project: Project, tmp_path: Path
) -> None:
    project.environment.update({logs.VARIABLE: "json", logs.LEVEL: "debug"})
    first_run = in_process(project, "run", "daily", "--partition", DAY, "--json")
    (artifact,) = json.loads(first_run.stdout)["artifacts"]
    leads = tmp_path / "leads.csv"
    leads.write_text("email,first_name,when\ncanary@example.org,Canaryname,2024-01-15\n", encoding="utf-8")
    own = {"EXPORT_PIPELINES_SOURCE_URL": f"sqlite:///{tmp_path / 'own.db'}"}
    commands = {
        ("deliver", str(artifact["artifact"]), "--again"): ("orchestration", "retry"),
        ("sweep",): ("erasure", "sweep"),
        ("check",): ("check", "check"),
        ("import", "leads", str(leads), "--map", "when=submitted_at"): ("importer", "import"),
    }
    for words, (room, what) in commands.items():
        project.environment.update(own if words[0] == "import" else {})
        answer = in_process(project, *words)
        records = [record for record in records_of(answer) if room in rooms_of([record])]
        spans = [event for event in events_of(records, "INFO") if event.startswith(what)]
        assert spans == [f"{what} started", f"{what} finished"]
        assert len({record["run"] for record in records}) == 1
        assert "anary" not in answer.stderr


def test_a_level_says_what_is_told(project: Project) -> None:
    project.environment.update({logs.VARIABLE: "json"})
    levels = {}
    for level in ("debug", "", "error"):
        project.environment[logs.LEVEL] = level
        records = records_of(in_process(project, "run", "daily", "--partition", DAY))
        levels[level] = {str(record["level"]) for record in records}
    assert levels == {"debug": {"DEBUG", "INFO"}, "": {"INFO"}, "error": set()}


def test_records_outside_of_a_run_have_the_id_of_their_process(
    quiet_afterwards: None, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.log_as_asked({logs.VARIABLE: "json"})
    log = logging.getLogger("export_pipelines.read")
    log.info("one")
    with logs.run("mine"):
        log.info("two")
    log.info("three")
    first, two, three = (json.loads(line)["run"] for line in capsys.readouterr().err.splitlines())
    assert first == three != two == "mine"
    assert first.startswith("process-")
