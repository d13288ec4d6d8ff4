"""What people do stands in the audit, each kind once, with who asked, whose rights held and how it ended, and no value."""

import csv
import io
import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace

import pytest

from export_pipelines.errors import AccessFileError, KeyRefused
from export_pipelines.ledger import AuditEntry, AuditLog, open_ledger
from export_pipelines.project import Project as Opened
from export_pipelines_tests.access.policies import ACCESS, LEADS
from export_pipelines_tests.conftest import NOW, Answer, Project

Terminal = Callable[..., Answer]
JANUARY = ("--partition", "2024-01-01")
MASTER, AUDIT, API_KEY = (f"EXPORT_PIPELINES_{name}" for name in ("MASTER_KEY", "AUDIT_KEY", "API_KEY"))
TO_FOLDER = LEADS + 'deliver:\n  - folder: {path: "out/{{export}}/{{date}}"}\n'
VALUE = "zebulon"  # compared with a personal field


def entries(project: Project) -> list[AuditEntry]:
    ledger = open_ledger(f"sqlite:///{project.home / 'ledger.db'}")
    found = list(AuditLog(ledger.engine).entries())
    ledger.engine.dispose()
    return found


def told(project: Project, *leave_out: str) -> list[tuple[str, str, str | None, str, str | None]]:
    changes = ("right changed", "definition changed", *leave_out)
    return [
        (entry.action, entry.actor, entry.owner, entry.subject, entry.outcome)
        for entry in entries(project)
        if entry.action not in changes
    ]


def test_a_run_is_one_entry_and_each_delivery_another(guarded: Project, terminal: Terminal) -> None:
    guarded.write("leads", TO_FOLDER)
    assert terminal("run", "leads", *JANUARY, "--as", "boss").code == 0
    (artifact,) = (line.split()[0] for line in terminal("artifacts", "leads").stdout.splitlines()[1:])
    assert told(guarded) == [
        ("run", "boss", "boss", artifact, "done"),
        ("deliver", "boss", "boss", artifact, "done"),
    ]
    assert terminal("deliver", artifact, "--again", "--as", "boss").code == 0
    assert told(guarded)[2:] == [("deliver", "boss", "boss", artifact, "done")]
    run = next(entry for entry in entries(guarded) if entry.action == "run")
    assert run.detail["rows"] > 0 and run.detail["type"] == "lead" and len(run.detail["sha256"]) == 64


def test_plan_and_preview_are_recorded(guarded: Project, terminal: Terminal) -> None:
    assert terminal("plan", "leads", *JANUARY, "--as", "ana").code == 0
    assert terminal("preview", "leads", *JANUARY, "--as", "ana").code == 0
    assert told(guarded) == [
        ("plan", "ana", "boss", "leads/2024-01-01", "done"),
        ("preview", "ana", "boss", "leads/2024-01-01", "done"),
    ]


def test_a_run_that_fails_is_recorded(guarded: Project, terminal: Terminal) -> None:
    guarded.write("leads", LEADS + "limits: {rows: 1}\n")
    assert terminal("run", "leads", *JANUARY, "--as", "boss").code == 1
    (entry,) = (entry for entry in entries(guarded) if entry.action == "run")
    assert (entry.actor, entry.outcome, entry.detail["code"]) == ("boss", "failed", "limit")


def test_a_notebook_that_reads_is_recorded(guarded: Project) -> None:
    guarded.environment[MASTER] = "m" * 32
    project = replace(Opened.open(guarded.folder, guarded.environment, lambda: NOW), asker="boss")
    artifact = project.run("leads", "2024-01-01").manifest.artifact
    project.read(artifact)
    assert told(guarded)[1:] == [
        ("key use", "boss", "boss", artifact, "done"),
        ("download", "boss", "boss", artifact, "done"),
    ]


def test_what_a_notebook_could_not_open_is_no_download(guarded: Project) -> None:
    guarded.environment[MASTER] = "m" * 32
    project = replace(Opened.open(guarded.folder, guarded.environment, lambda: NOW), asker="boss")
    artifact = project.run("leads", "2024-01-01").manifest.artifact
    guarded.environment[MASTER] = "n" * 32
    project = replace(Opened.open(guarded.folder, guarded.environment, lambda: NOW), asker="boss")
    for read, named in ((project.read, artifact), (project.to_arrow, artifact), (project.scan, "leads")):
        with pytest.raises(KeyRefused):
            read(named)
    assert told(guarded)[1:] == [("denied", "boss", None, artifact, "denied")] * 3


@pytest.mark.parametrize(
    ("command", "asked", "actor"),
    [
        (("run", "leads", *JANUARY, "--as", "rita"), "create", "rita"),
        (("preview", "leads", *JANUARY, "--as", "rita"), "create", "rita"),
        (("run", "leads", *JANUARY, "--as", "gone"), "create", "gone"),
        (("plan", "leads", *JANUARY, "--as", "anna"), "ask", "anna"),
        (("plan", "leads", *JANUARY, "--as", "team:data"), "ask", "team:data"),
        (
            ("backfill", "leads", "--from", "2024-01-01", "--to", "2024-01-01", "--as", "rita"),
            "create",
            "rita",
        ),
        (("access", "review", "--as", "ana"), "admin", "ana"),
        (("access", "key", "list", "--as", "ana"), "admin", "ana"),
        (("access", "key", "new", "nobody", "--as", "boss"), "command", "boss"),
        (("access", "explain", "nobody", "leads"), "command", None),
    ],
)
def test_each_refusal_is_recorded_once(
    guarded: Project, terminal: Terminal, command: tuple[str, ...], asked: str, actor: str | None
) -> None:
    assert terminal(*command).code == 2
    (entry,) = (entry for entry in entries(guarded) if entry.action == "denied")
    assert (entry.detail["asked"], entry.outcome) == (asked, "denied")
    assert actor in (None, entry.actor)


def test_a_key_that_is_not_good_is_recorded_without_the_key(guarded: Project, terminal: Terminal) -> None:
    key = terminal("access", "key", "new", "ana", "--as", "boss").stdout.strip()
    guarded.environment[API_KEY] = key
    assert terminal("plan", "leads", *JANUARY).code == 0
    guarded.environment[API_KEY] = ""
    assert terminal("access", "key", "revoke", key[4:12], "--as", "boss").code == 0
    for text in (key, f"{key[:-1]}{'0' if key[-1] != '0' else '1'}"):
        guarded.environment[API_KEY] = text
        assert terminal("plan", "leads", *JANUARY).code == 2
    assert [(entry[0], entry[1]) for entry in told(guarded)] == [
        ("key changed", "boss"),
        ("key use", "ana"),
        ("plan", "ana"),
        ("key changed", "boss"),
        *[("denied", entry.actor) for entry in entries(guarded) if entry.action == "denied"],
    ]
    assert key not in "".join(map(repr, entries(guarded)))


@pytest.mark.parametrize(
    "fault",
    [
        ("permissions: [view]", "permissions: [look]"),
        ("roles: [reader]", "roles: [raeder]"),
        ("email: hash", "emial: hash"),
        ("members: [bo, cy]", "members: [bo, 'team:data']"),
        ("rita: {roles: [reader]}", "rita: {}"),
    ],
)
def test_a_file_with_a_fault_allows_nothing_and_is_recorded(
    guarded: Project, terminal: Terminal, fault: tuple[str, str]
) -> None:
    (guarded.folder / "access.yaml").write_text(ACCESS.replace(*fault), encoding="utf-8")
    assert ACCESS.replace(*fault) != ACCESS
    answer = terminal("run", "leads", *JANUARY, "--as", "boss")
    assert answer.code == 2 and "access.yaml:" in answer.stderr
    (entry,) = entries(guarded)
    assert (entry.action, entry.detail["code"]) == ("denied", AccessFileError.code)
    assert not (guarded.home / "artifacts").exists()


def test_changes_of_rights_and_definitions_are_recorded_once(guarded: Project, terminal: Terminal) -> None:
    def changed() -> list[str]:
        return [entry.action for entry in entries(guarded) if entry.action.endswith("changed")]

    terminal("run", "leads", *JANUARY, "--as", "boss")
    terminal("run", "leads", *JANUARY, "--as", "boss")
    assert changed() == ["right changed", "definition changed"]
    guarded.write("leads", LEADS.replace(", state", ""))
    terminal("run", "leads", *JANUARY, "--as", "boss")
    assert changed() == ["right changed", "definition changed", "definition changed"]
    (guarded.folder / "access.yaml").write_text(ACCESS.replace("days_back: 30", "days_back: 60"))
    terminal("plan", "leads", *JANUARY, "--as", "boss")
    assert changed()[3:] == ["right changed"]
    before, after = (entry for entry in entries(guarded) if entry.action == "right changed")
    assert after.detail["before"] == before.detail["sha256"] != after.detail["sha256"]
    (guarded.folder / "access.yaml").unlink()
    terminal("run", "leads", *JANUARY)
    assert entries(guarded)[-2].detail["sha256"] is None  # everybody may do everything now


def test_the_review_says_what_was_done_and_what_changed(guarded: Project, terminal: Terminal) -> None:
    guarded.write("leads", TO_FOLDER)
    terminal("run", "leads", *JANUARY, "--as", "boss")
    terminal("plan", "leads", *JANUARY, "--as", "ana")
    terminal("run", "leads", *JANUARY, "--as", "rita")
    text = ACCESS.replace("rita: {roles: [reader]}", "rita: {roles: [analyst]}").replace(
        "days_back: 30", "days_back: 60"
    )
    (guarded.folder / "access.yaml").write_text(
        text.replace("  gone: {roles: [operator], expires: 2024-01-31}\n", "")
    )
    answer = terminal("access", "review", "--json", "--since", "2024-02-05T08:00:00Z", "--as", "boss")
    rows = {row["principal"]: row for row in json.loads(answer.stdout)}
    assert rows["boss"]["exported"][0].startswith("leads: 1 artifact, ")
    assert "permission download" in rows["boss"]["never_used"]
    assert "permission create" not in rows["boss"]["never_used"]
    assert rows["rita"]["denied"] == 1 and rows["ana"]["exported"] == []
    assert rows["rita"]["changed"] == ["role analyst given", "role reader taken"]
    assert rows["bo"]["changed"] == ["role analyst, days_back: 30 -> 60"]
    assert rows["gone"]["changed"][0] == "role operator taken" and rows["boss"]["changed"] == []
    table = terminal("access", "review", "--csv", "--since", "2024-02-05T08:00:00Z", "--as", "boss").stdout
    assert next(iter(csv.DictReader(io.StringIO(table))))["principal"] == "boss"


def test_no_value_is_in_the_audit(guarded: Project, terminal: Terminal) -> None:
    guarded.write(
        "leads", f"{TO_FOLDER}filter:\n  rules:\n    - {{lhv: first_name, op: is equal to, rhv: {VALUE}}}\n"
    )
    for name in ("boss", "ana"):
        for command in ("plan", "preview", "run"):
            terminal(command, "leads", *JANUARY, "--as", name)
    with sqlite3.connect(guarded.home / "ledger.db") as connection:
        rows = connection.execute("SELECT * FROM audit").fetchall()
    assert len(rows) >= 8 and VALUE not in repr(rows).lower()


def test_the_export_streams_what_the_listing_shows(guarded: Project, terminal: Terminal) -> None:
    terminal("plan", "leads", *JANUARY, "--as", "ana")
    terminal("run", "leads", *JANUARY, "--as", "rita")
    shown = json.loads(terminal("audit", "--json", "--as", "boss").stdout)
    lines = terminal("audit", "export", "--format", "ndjson", "--as", "boss").stdout.splitlines()
    assert [json.loads(line) for line in lines] == shown and len(shown) == 3
    table = list(csv.DictReader(io.StringIO(terminal("audit", "export", "--as", "boss").stdout)))
    assert [row["hash"] for row in table] == [entry["hash"] for entry in shown]
    assert json.loads(table[-1]["detail"]) == shown[-1]["detail"]
    assert (
        terminal("audit", "export", "--since", "2024-02-06", "--format", "ndjson", "--as", "boss").stdout
        == ""
    )
    denied = terminal("audit", "export", "--action", "denied", "--as", "boss").stdout.splitlines()
    assert len(denied) == 2
    assert terminal("audit", "export", "--action", "denial", "--as", "boss").code == 2
    assert terminal("audit", "verify").stdout.startswith("3 entries, one chain")
