"""What the ledger records of artifacts, requests, alerts and windows."""

from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from export_pipelines.ledger import Alert, AuditEntry, Ledger, WindowRecord
from export_pipelines.ledger import open_ledger as opening
from export_pipelines.ledger.open_ledger import HEAD
from export_pipelines.ledger.tables import metadata
from export_pipelines_tests.artifacts.build import AT, manifest_of
from export_pipelines_tests.ledger.attempts import ENTRY, HOUR, OTHER_ENTRY, deliver, due


def test_a_fresh_ledger_has_the_tables_of_the_program(ledger: Ledger) -> None:
    with ledger.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    folder = Path(opening.__code__.co_filename).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_current_head() == HEAD


def test_registering_twice_changes_nothing(ledger: Ledger) -> None:
    made = manifest_of()
    first = ledger.register(made, [ENTRY, OTHER_ENTRY], "run", AT)
    assert ledger.register(made, [ENTRY, OTHER_ENTRY], "other", AT + HOUR) == first
    assert [(one.number, one.state, one.entry) for one in first] == [
        (1, "due", ENTRY),
        (2, "due", OTHER_ENTRY),
    ]


def test_people_are_told_once_through_each_channel(ledger: Ledger) -> None:
    alert = Alert("x", "daily", "failure", "not delivered", "export-pipelines deliver x", AT)
    assert [ledger.notice(alert) for _ in range(2)] == [True, False]
    ledger.record_notified(alert, ["mail"], None)
    assert [(open_alert.key, open_alert.notified) for open_alert in ledger.open_alerts()] == [
        ("x", ("mail",))
    ]
    ledger.record_notified(alert, ["mail", "slack"], AT)
    assert ledger.open_alerts() == [] and not ledger.notice(alert)


def test_requests_are_on_record(ledger: Ledger) -> None:
    for _ in range(2):
        ledger.requested("run", "daily", "schedule", None, ["2024-01-15"], AT)
    with ledger.engine.begin() as connection:
        (row,) = connection.execute(sa.select(metadata.tables["requests"]))
    assert (row.export, row.origin, row.windows, row.asked_at) == ("daily", "schedule", ["2024-01-15"], AT)


def test_the_audit_keeps_every_entry_in_its_order(ledger: Ledger) -> None:
    first = ledger.record("ann", "detokenize", "value", {"key": "MASTER_KEY:01234567"}, AT)
    ledger.record("bob", "other", "a thing", {}, AT)
    second = ledger.record("bob", "detokenize", "a.csv", {"columns": ["email", "ä"]}, AT - HOUR)
    assert first < second
    assert [replace(entry, hash="") for entry in ledger.audit("detokenize")] == [
        AuditEntry(first, AT, "ann", "detokenize", "value", {"key": "MASTER_KEY:01234567"}, "", None, "done"),
        AuditEntry(
            second, AT - HOUR, "bob", "detokenize", "a.csv", {"columns": ["email", "ä"]}, "", None, "done"
        ),
    ]
    assert len(ledger.audit()) == 3


def test_the_windows_of_an_export_tell_what_is_of_which_plan_and_how_far_it_came(ledger: Ledger) -> None:
    ledger.requested("run", "daily", "schedule", None, ["2024-01-15"], AT)
    made = manifest_of()
    ids = due(ledger, made, ENTRY, OTHER_ENTRY)
    deliver(ledger, ids[0], made)
    (record,) = ledger.windows("daily")
    assert record == WindowRecord(
        made.artifact,
        "2024-01-15",
        made.window.end,
        made.fingerprint,
        None,
        "run",
        made.created_at,
        "schedule",
        frozenset({"due"}),
    )
    deliver(ledger, ids[1], made)
    assert ledger.windows("daily", "2024-01-15")[0].arrived
    assert ledger.windows("daily", "2024-01-16") == [] and ledger.windows("other") == []


def test_alerts_are_found_by_how_their_key_begins(ledger: Ledger) -> None:
    for key in ("given up a: 1", "given up a_b: 1", "given up a: 2", "given up axb: 1"):
        ledger.notice(Alert(key, "a", "failure", "text", "then", AT))
    assert ledger.alert_keys("given up a: ") == ["given up a: 1", "given up a: 2"]
    assert ledger.alert_keys("given up a_") == ["given up a_b: 1"]
