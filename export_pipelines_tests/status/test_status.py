"""`status` names what needs attention, and nothing else; programs read the same as JSON."""

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dagster import DagsterInstance
from dagster._daemon.types import DaemonHeartbeat

from export_pipelines import Project as OpenProject
from export_pipelines.cli import app as cli
from export_pipelines.key_versions import PREFIX
from export_pipelines.ledger import Ledger, Progress, RunLeases, Streams
from export_pipelines.ledger.streams import DeadRecord
from export_pipelines.orchestration import open_instance
from export_pipelines.status.status import PARTS
from export_pipelines_servers.free_port import free_port
from export_pipelines_tests.conftest import Answer, Project
from export_pipelines_tests.orchestration.watching import turn_on

Terminal = Callable[..., Answer]
STREAM = """\
type: event
fields: [event_id, event_type, occurred_at]
stream: {kinesis: {stream: leads, partition_key: event_id}}
"""
DAY = timedelta(days=1)


@pytest.fixture
def now(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The clock of the commands, which is that of Dagster's heartbeats."""
    monkeypatch.setattr(cli, "clock", lambda: datetime.now(UTC))
    return datetime.now(UTC)


def instance_of(project: Project) -> DagsterInstance:
    return open_instance(project.settings, project.folder, os.environ)  # which `terminal` restores


def beat(project: Project) -> None:
    """As a daemon that lives does."""
    with instance_of(project) as instance:
        for daemon in instance.get_required_daemon_types():
            instance.add_daemon_heartbeat(DaemonHeartbeat(time.time(), daemon, "daemon", []))


def status(terminal: Terminal, code: int) -> dict[str, Any]:
    answer = terminal("status", "--json")
    assert answer.code == code, answer.stdout + answer.stderr
    shown: dict[str, Any] = json.loads(answer.stdout)
    assert tuple(shown["parts"]) == PARTS
    assert shown["ok"] is (code == 0)
    assert shown["attention"] == [name for name, part in shown["parts"].items() if not part["ok"]]
    return shown


def texts(shown: dict[str, Any], part: str, tone: str = "bad") -> list[str]:
    findings = shown["parts"][part]["findings"]
    return [f"{finding['text']} | {finding['then']}" for finding in findings if finding["tone"] == tone]


@pytest.mark.usefixtures("now")
def test_a_daemon_that_never_ran_needs_attention(terminal: Terminal) -> None:
    assert status(terminal, 1)["attention"] == ["daemon"]
    answer = terminal("status")
    assert answer.code == 1
    lines = answer.stdout.splitlines()
    assert (
        "daemon       PROBLEM  Dagster's daemon has never run: no schedule is kept, no run of the UI starts"
        in lines
    )
    assert sum("PROBLEM" in line for line in lines) == 1


@pytest.mark.usefixtures("now")
def test_what_is_well_needs_none(project: Project, terminal: Terminal) -> None:
    beat(project)
    shown = status(terminal, 0)
    assert shown["parts"]["queue"]["figures"] == {
        "waiting": 0,
        "running": 0,
        "longest_wait_seconds": 0.0,
        "backfills": 0,
    }
    ages = shown["parts"]["daemon"]["figures"]["heartbeat_age_seconds"]
    assert {"SCHEDULER", "SENSOR", "QUEUED_RUN_COORDINATOR"} <= set(ages)
    assert all(abs(age) < 60 for age in ages.values())


def test_what_failed_and_what_is_late_needs_attention(
    project: Project, terminal: Terminal, now: datetime
) -> None:
    beat(project)
    yesterday = f"{now - DAY:%Y-%m-%d}"
    blocked = project.home / "delivered" / "daily"
    blocked.parent.mkdir(parents=True)
    blocked.write_text("a file where the folder has to be")
    assert terminal("run", "daily", "--partition", yesterday).code == 1
    with instance_of(project) as instance:
        turn_on(instance, "daily_schedule", now - 40 * DAY)
    shown = status(terminal, 1)
    assert shown["attention"] == ["late", "deliveries"]
    (late,) = texts(shown, "late")
    assert late.startswith("daily: window ") and late.endswith(
        "6 hours later | export-pipelines diagnose daily"
    )
    assert shown["parts"]["late"]["figures"]["late_seconds"]["daily"] >= 6 * 3600
    (undelivered,) = texts(shown, "deliveries")
    assert "did not arrive at folder" in undelivered and "export-pipelines deliver daily/" in undelivered
    assert shown["parts"]["deliveries"]["figures"]["by_state"] == {"failed": 1}
    blocked.unlink()
    assert terminal("deliver", undelivered.partition("export-pipelines deliver ")[2].split()[0]).code == 0
    (project.folder / "alerts.yaml").write_text(
        "alerts: [{late_after_hours: 2000, to: [{slack: {url: {env: NOWHERE}}}]}]\n"
    )
    assert status(terminal, 0)["attention"] == []


def leased(ledger: Ledger, name: str, holder: str, at: datetime, **left: Any) -> None:
    """What a stream's process that was killed leaves: the lease's row names it still."""
    streams = Streams(ledger.engine, ledger.locks)
    lease = streams._taken(name, holder, at)
    lease.begin({"format": 1}, at)
    lease.advance(Progress({"format": 1}, 5, {"sent": 4}, at, dead=left.get("dead", ())), at)
    if "error" in left:
        lease.note_error(left["error"], at)


def test_streams_are_told_by_who_runs_them(project: Project, terminal: Terminal, now: datetime) -> None:
    beat(project)
    for name in ("idle", "live", "silent", "failing", "paused", "stopped"):
        project.write(name, STREAM)
    opened = OpenProject.open(project.folder, dict(project.environment))
    ledger = opened.ledger
    streams = Streams(ledger.engine, ledger.locks)
    dead = [DeadRecord(4, "65a5c2de973ceb3ffd0000c5", "over the limit", now)]
    leased(ledger, "live", "host 1 process 7", now - timedelta(seconds=9), dead=dead)
    leased(ledger, "silent", "host 2 process 8", now - timedelta(minutes=5))
    leased(ledger, "failing", "host 3 process 9", now, error="the sink does not answer")
    with streams.lease("stopped", "host 4 process 1", now - DAY) as lease:
        assert lease
        lease.begin({"format": 1}, now - DAY)
    streams.pause("paused", "ruth", now - 3 * DAY)
    shown = status(terminal, 1)
    assert shown["attention"] == ["streams"]
    bad, notes = texts(shown, "streams"), texts(shown, "streams", "note")
    assert [text.partition(":")[0] for text in bad] == ["failing", "silent", "stopped"]
    assert "the sink does not answer (at " in bad[0]
    assert "host 2 process 8 has it, and was last seen 5 min ago" in bad[1]
    assert "nobody runs it, last seen 24 h ago" in bad[2]
    assert [text.partition(":")[0] for text in notes] == ["idle", "live", "paused"]
    assert "4 records sent, 1 dead letter | export-pipelines stream dead-letters live" in notes[1]
    assert "paused 3 days ago by ruth | export-pipelines stream resume paused" in notes[2]
    figures = shown["parts"]["streams"]["figures"]["live"]
    assert (figures["records"], figures["dead_letters"], figures["lease_number"]) == (4, 1, 1)
    assert figures["seen_age_seconds"] == pytest.approx(9, abs=30)


def test_runs_whose_worker_was_lost_need_attention_when_nobody_ends_them(
    project: Project, terminal: Terminal, now: datetime
) -> None:
    beat(project)
    ledger = OpenProject.open(project.folder, dict(project.environment)).ledger
    assert texts(status(terminal, 0), "leases", "good") == ["runs are not on workers elsewhere | "]

    def take(run_id: str, root: str, ago: timedelta) -> None:
        RunLeases(ledger.engine, lambda: now - ago).take(run_id, root, "host:1")

    take("a", "a", timedelta())
    take("b", "a", timedelta())
    take("c", "c", timedelta(minutes=1))
    (busy,) = texts(status(terminal, 0), "leases", "busy")
    assert busy.startswith(
        "1 run on workers, 1 in the place of another one in 30 days; 1 run silent for up to 6"
    )
    take("d", "d", timedelta(minutes=20))
    shown = status(terminal, 1)
    (bad,) = texts(shown, "leases")
    assert "2 runs silent for up to 20 min, and nobody ends them | start the daemon" in bad
    figures = shown["parts"]["leases"]["figures"]
    assert (figures["live"], figures["overdue"], figures["again"]) == (1, 2, 1)
    assert figures["longest_silence_seconds"] == pytest.approx(1200, abs=60)


def test_keys_and_checkpoints_have_ages(project: Project, terminal: Terminal, now: datetime) -> None:
    beat(project)
    keys = project.home / "keys"
    keys.mkdir(parents=True)
    for name, age in (("hash_key", 3 * DAY), ("audit_key", 500 * DAY)):
        (keys / name).write_text(f"the {name} of a test, which is no secret at all")
        os.utime(keys / name, ((now - age).timestamp(),) * 2)
    project.environment[f"{PREFIX}MASTER_KEY"] = "a master key of a test, which is no secret"
    shown = status(terminal, 1)
    assert (shown["attention"], texts(shown, "audit")[0].partition(" |")[0]) == (
        ["audit"],
        "no checkpoint was ever signed",
    )
    ages = {name: key["age_seconds"] for name, key in shown["parts"]["keys"]["figures"].items()}
    assert ages == {
        "HASH_KEY": pytest.approx(3 * 86_400, abs=1),
        "MASTER_KEY": None,
        "AUDIT_KEY": pytest.approx(500 * 86_400, abs=1),
    }
    assert texts(shown, "keys", "note") == [
        "AUDIT_KEY: written 500 days ago | docs/reference.md, Keys, says how a newer version is added"
    ]
    assert "no secret" not in json.dumps(shown)
    assert terminal("audit", "checkpoint").code == 0
    assert status(terminal, 0)["parts"]["audit"]["figures"]["checkpoint_age_seconds"] < 60


def test_a_checkpoint_that_is_old_needs_attention(
    project: Project, terminal: Terminal, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat(project)
    project.environment[f"{PREFIX}AUDIT_KEY"] = "an audit key of a test, which is no secret"
    monkeypatch.setattr(cli, "clock", lambda: now - 3 * DAY)
    assert terminal("audit", "checkpoint").code == 0
    monkeypatch.setattr(cli, "clock", lambda: datetime.now(UTC))
    assert texts(status(terminal, 1), "audit")[0].startswith("the last checkpoint was signed 3 days ago | ")


@pytest.mark.usefixtures("now")
def test_a_broken_definition_needs_attention(project: Project, terminal: Terminal) -> None:
    beat(project)
    project.write("weekly", "type: lead\nformat: csv\nfields: [emial]\n")
    shown = status(terminal, 1)
    assert (shown["attention"], shown["parts"]["definitions"]["figures"]) == (
        ["definitions"],
        {"exports": 1, "streams": 0, "broken": 1},
    )
    assert texts(shown, "definitions") == ["1 definition broken: weekly | export-pipelines check"]


@pytest.mark.usefixtures("now")
def test_a_ledger_that_does_not_answer_is_told_without_its_password(
    project: Project, terminal: Terminal
) -> None:
    beat(project)
    url = f"postgresql://ledger:hidden-word@127.0.0.1:{free_port()}/ledger"
    project.environment[f"{PREFIX}LEDGER_URL"] = url
    shown = status(terminal, 1)
    assert {"ledger", "streams", "audit", "deliveries"} <= set(shown["attention"])
    assert not {"disk", "keys", "queue", "daemon"} & set(shown["attention"])
    assert "hidden-word" not in json.dumps(shown)


def test_a_clock_that_differs_from_the_ledgers_needs_attention(
    project: Project,
    terminal: Terminal,
    postgresql_url: str,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    beat(project)
    project.environment[f"{PREFIX}LEDGER_URL"] = f"{postgresql_url}?options=-csearch_path%3Dstatus_clock"
    create_schema(postgresql_url, "status_clock")
    for seconds, code in ((-50, 1), (0, 0), (20, 0), (50, 1)):
        shift = timedelta(seconds=seconds)
        monkeypatch.setattr(cli, "clock", lambda shift=shift: datetime.now(UTC) + shift)
        shown = status(terminal, code)
        ahead = shown["parts"]["ledger"]["figures"]["clock_ahead_seconds"]
        assert ahead == pytest.approx(-seconds, abs=5)
        assert shown["attention"] == (["ledger"] if code else [])


def create_schema(url: str, name: str) -> None:
    import sqlalchemy as sa

    from export_pipelines.settings import driver_url

    engine = sa.create_engine(driver_url(url))
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema(name, if_not_exists=True))
    engine.dispose()
