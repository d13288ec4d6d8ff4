"""The ledger, on SQLite and on PostgreSQL."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from export_pipelines.artifacts import Manifest
from export_pipelines.definition.destinations import StoredEntry
from export_pipelines.delivery import Receipt
from export_pipelines.errors import RequestError, RetryableError, SettingsError, Uncertain
from export_pipelines.ledger import Alert, AuditEntry, Ledger, WindowRecord, open_ledger
from export_pipelines.ledger import open_ledger as opening
from export_pipelines.ledger.open_ledger import HEAD
from export_pipelines.ledger.tables import metadata
from export_pipelines.plan.window import WHOLE
from export_pipelines.settings import driver_url
from export_pipelines_tests.artifacts.build import AT, child_environment, manifest_of

ENTRY: StoredEntry = {"kind": "folder", "settings": {"path": "a"}}
OTHER_ENTRY: StoredEntry = {"kind": "folder", "settings": {"path": "b"}}
LATER = "20240117T020000Z-0a1b2c"
HOUR = timedelta(hours=1)
OLD_ARTIFACT = "INSERT INTO artifacts VALUES ('daily/2024-01-15/x', 'daily', '2024-01-15', 'run', :at, 1, 1, 1, 'content')"
OLD_DELIVERY = (
    "INSERT INTO deliveries (id, artifact, number, lane, kind, entry, target, state, attempts, registered_at) "
    "VALUES ('d', 'daily/2024-01-15/x', 1, 'lane', 'folder', '{}', '', 'due', 0, :at)"
)
SECRET = "hunter2secret"


def at(moment: datetime = AT) -> Callable[[], datetime]:
    return lambda: moment


def due(ledger: Ledger, manifest: Manifest | None = None, *entries: StoredEntry) -> list[str]:
    found = ledger.register(manifest or manifest_of(), entries or [ENTRY], "run", AT)
    return [one.id for one in found]


def receipt_of(manifest: Manifest) -> Receipt:
    return Receipt(
        kind="folder", target="/a", artifact=manifest.artifact, files=("x",), bytes=1, sha256="0" * 64, at=AT
    )


def deliver(ledger: Ledger, id: str, manifest: Manifest, moment: datetime = AT, again: bool = False) -> bool:
    """Whether it was sent, not only recognised."""
    with ledger.claim(id, at(moment), again=again) as attempt:
        if attempt.receipt:
            return False
        attempt.receipt = receipt_of(manifest)
    return True


def fail(ledger: Ledger, id: str, error: BaseException, moment: datetime = AT) -> None:
    with pytest.raises(type(error)), ledger.claim(id, at(moment)):
        raise error


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


def test_a_delivery_ends_with_its_receipt_and_is_not_made_again(ledger: Ledger) -> None:
    made = manifest_of()
    (id,) = due(ledger, made)
    assert deliver(ledger, id, made)
    assert not deliver(ledger, id, made)
    row = ledger.delivery(id)
    assert (row.state, row.attempts, row.receipt, row.ended_at) == ("delivered", 1, receipt_of(made), AT)


def test_again_sends_what_arrived_and_begins_the_journal_anew(ledger: Ledger) -> None:
    made = manifest_of()
    (id,) = due(ledger, made)
    with ledger.claim(id, at()) as attempt:
        attempt.handing("1/1")
        attempt.done("1/1", "250 ok")
        assert (attempt.state("1/1"), attempt.proof("1/1"), attempt.state("2")) == ("done", "250 ok", None)
        attempt.receipt = receipt_of(made)
    with ledger.claim(id, at(AT + HOUR), again=True) as attempt:
        assert attempt.receipt is None and attempt.state("1/1") is None
        attempt.receipt = receipt_of(made)
    assert ledger.delivery(id).attempts == 2


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (RetryableError("timed out"), "retrying"),
        (RequestError("wrong password"), "failed"),
        (Uncertain("no answer"), "uncertain"),
        (RuntimeError(SECRET), "retrying"),
    ],
)
def test_a_failure_is_sorted_by_its_kind_and_written_down(
    ledger: Ledger, error: Exception, state: str
) -> None:
    (id,) = due(ledger)
    fail(ledger, id, error)
    row = ledger.delivery(id)
    (attempt,) = ledger.attempts(id)
    assert (row.state, attempt["outcome"], row.error) == (state, state, attempt["error"])
    assert SECRET not in str(row.error)
    assert (row.next_at is not None) == (state == "retrying")


def test_waits_grow_to_eight_hours_and_end_after_a_day(ledger: Ledger) -> None:
    (id,) = due(ledger)
    moment, waits = AT, []
    while True:
        fail(ledger, id, RetryableError("refused"), moment)
        next_at = ledger.delivery(id).next_at
        if next_at is None:
            break
        waits.append((next_at - moment) / timedelta(minutes=1))
        moment = next_at
    assert ledger.delivery(id).state == "failed"
    assert moment - AT <= timedelta(hours=24)
    assert all(later > earlier * 0.8 for earlier, later in pairwise(waits))  # they differ by chance
    assert waits[0] < 2 and waits[-1] > 300 and len(waits) >= 8


def test_who_asks_to_be_left_alone_is_left_alone(ledger: Ledger) -> None:
    (id,) = due(ledger)
    fail(ledger, id, RetryableError("busy", after_s=7200))
    assert ledger.delivery(id).next_at == AT + 2 * HOUR


def test_what_waits_is_told_when_its_time_has_come_and_its_run_is_over(ledger: Ledger) -> None:
    one, two = due(ledger, None, ENTRY, OTHER_ENTRY)
    fail(ledger, one, RetryableError("refused"))

    def waiting(moment: datetime, over: bool) -> list[str]:
        return [row.id for row in ledger.waiting(moment, lambda run: over)]

    assert waiting(AT, over=False) == []
    assert waiting(AT, over=True) == [two]
    assert waiting(AT + HOUR, over=True) == [one, two]


def test_the_same_files_of_a_window_go_to_a_place_once(ledger: Ledger) -> None:
    old, new = manifest_of(), manifest_of(token=LATER, at=AT + HOUR)
    (id,) = due(ledger, old)
    assert deliver(ledger, id, old)
    (id,) = due(ledger, new)
    assert not deliver(ledger, id, new)
    assert ledger.delivery(id).receipt == receipt_of(old)


def test_files_that_were_replaced_meanwhile_are_sent_again(ledger: Ledger) -> None:
    one, two, three = (
        manifest_of({"a.csv": data}, token=f"2024011{n}T020000Z-0a1b2c", at=AT + n * HOUR)
        for n, data in enumerate([b"1", b"2", b"1"])
    )
    sent = [deliver(ledger, due(ledger, made)[0], made, made.created_at) for made in (one, two, three)]
    assert sent == [True, True, True]


def test_each_run_over_the_whole_history_is_an_occasion_of_its_own(ledger: Ledger) -> None:
    for token in ("20240116T020000Z-0a1b2c", LATER):
        made = manifest_of(token=token, window=WHOLE)
        assert deliver(ledger, due(ledger, made)[0], made)


def test_a_newer_artifact_takes_the_place_of_an_older_one_that_has_not_arrived(ledger: Ledger) -> None:
    old, new = manifest_of(), manifest_of({"a.csv": b"new"}, token=LATER, at=AT + HOUR)
    (first,) = due(ledger, old)
    fail(ledger, first, RetryableError("refused"))
    (second,) = due(ledger, new)
    assert (ledger.delivery(first).state, ledger.delivery(second).state) == ("withdrawn", "due")
    assert [row.id for row in ledger.waiting(AT + 5 * HOUR, lambda run: True)] == [second]


def test_a_mended_definition_takes_the_place_of_the_wrong_one(ledger: Ledger) -> None:
    made = manifest_of()
    (wrong,) = due(ledger, made)
    fail(ledger, wrong, RequestError("no such host"))
    (right,) = due(ledger, made, OTHER_ENTRY)
    assert ledger.delivery(wrong).state == "withdrawn"
    assert [row.id for row in ledger.deliveries()] == [right]


def test_two_never_deliver_one_thing_at_once(ledger: Ledger) -> None:
    made = manifest_of()
    (id,) = due(ledger, made)
    with ledger.claim(id, at()) as attempt:
        with pytest.raises(RetryableError, match="another process is delivering it"), ledger.claim(id, at()):
            pass
        assert [row.id for row in ledger.waiting(AT, lambda run: True)] == []
        attempt.receipt = receipt_of(made)
    assert ledger.delivery(id).attempts == 1


KILLED = """
import sys, time
from export_pipelines.ledger import open_ledger
from export_pipelines_tests.artifacts.build import AT
ledger = open_ledger(sys.argv[1])
with ledger.claim(sys.argv[2], lambda: AT) as attempt:
    attempt.handing("1/1")
    print("sending", flush=True)
    time.sleep(60)
"""


def test_a_killed_attempt_holds_up_nobody_and_is_on_record(ledger: Ledger, url: str) -> None:
    made = manifest_of()
    (id,) = due(ledger, made)
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, url, id], env=child_environment(), stdout=subprocess.PIPE
    )
    assert child.stdout is not None and child.stdout.readline() == b"sending\n"
    assert ledger.waiting(AT, lambda run: True) == []
    child.send_signal(signal.SIGKILL)
    child.wait(10)
    assert [row.state for row in ledger.waiting(AT, lambda run: True)] == ["sending"]
    with ledger.claim(id, at()) as attempt:
        assert attempt.state("1/1") == "handing"
        attempt.receipt = receipt_of(made)
    assert [one["outcome"] for one in ledger.attempts(id)] == ["killed", "delivered"]


def test_a_hundred_at_once_are_all_written_down(url: str, ledger: Ledger) -> None:
    manifests = [manifest_of({"a.csv": b"%d" % n}, export=f"export_{n}") for n in range(100)]
    start = threading.Barrier(8)

    def work(share: list[Manifest]) -> None:
        own = open_ledger(url)
        start.wait()
        for made in share:
            (id,) = due(own, made)
            assert deliver(own, id, made)
        own.engine.dispose()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, [manifests[n::8] for n in range(8)]))
    assert [row.state for row in ledger.deliveries()] == ["delivered"] * 100


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


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("nonsense", "no URL"),
        (f"mysql://user:{SECRET}@localhost/x", "cannot live in mysql"),
        (f"postgresql://user:{SECRET}@127.0.0.1:1/x", "cannot be opened"),
        ("sqlite:////proc/none/ledger.db", "cannot be opened"),
    ],
)
def test_a_ledger_that_cannot_be_opened_is_told_without_its_url(url: str, text: str) -> None:
    with pytest.raises(SettingsError, match=text) as told:
        open_ledger(url)
    assert SECRET not in str(told.value)


def test_a_ledger_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    first = open_ledger(url)
    with first.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SettingsError, match="newer version"):
        open_ledger(url)


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


def test_a_ledger_of_the_first_version_is_brought_up_to_date(url: str, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    engine = sa.create_engine(driver_url(url))
    command.upgrade(migrations(engine), "0001")
    assert not sa.inspect(engine).has_table("audit")
    with engine.begin() as connection:
        connection.execute(sa.text(OLD_ARTIFACT), {"at": AT})
        connection.execute(sa.text(OLD_DELIVERY), {"at": AT})
    engine.dispose()
    again = open_ledger(url)
    assert again.delivery("d").state == "due" and again.audit() == []
    (record,) = again.windows("daily")
    assert (record.window_end, record.fingerprint, record.overridden) == (None, None, None)
    assert (record.window_key, set(record.missing)) == ("2024-01-15", {"due"})
    assert again.record("ann", "detokenize", "value", {}, AT) == 1
    with again.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    again.engine.dispose()


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


def migrations(engine: sa.Engine) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(opening.__code__.co_filename).parent / "migrations"))
    config.attributes["engine"] = engine
    return config


def test_an_unknown_delivery_is_told(ledger: Ledger) -> None:
    with pytest.raises(RequestError, match="there is no delivery x"):
        ledger.delivery("x")
