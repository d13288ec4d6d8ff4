"""A stream from the database to its sink: what is committed leaves, masked, each once, and goes on where it was."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from export_pipelines.errors import LostLease
from export_pipelines.key_versions import PREFIX
from export_pipelines.ledger import Lease, Streams, StreamState
from export_pipelines.project_streams import pause_stream, run_stream
from export_pipelines.streaming.runner import Runner
from export_pipelines_tests.streaming.live import EMAIL, FIELDS, FIRST_NAME, NAME, Live


def state_of(live: Live) -> StreamState:
    ledger = live.project.ledger
    return Streams(ledger.engine, ledger.locks).state(NAME)


def catch_up(live: Live) -> None:
    assert run_stream(live.project, NAME, until_caught_up=True) == "caught up"


def test_what_is_committed_arrives_once_and_masked(live: Live) -> None:
    ids = live.insert(1, 1_500)
    catch_up(live)
    records = live.records()
    assert [record["sequence"] for record in records] == list(range(1, 1_501))
    assert sorted(record["id"] for record in records) == ids
    assert {record["export"] for record in records} == {NAME}
    data = records[0]["data"]
    assert list(data) == [
        "event_id",
        "lead_id",
        "event_type",
        "occurred_at",
        "outcome",
        "recipient",
        "revenue",
        "lead",
    ]
    assert data["recipient"] == {"name": "Bolt Insurance"} and data["revenue"] == 12.5
    assert "@" not in data["lead"]["email"] and data["lead"]["first_name"] != FIRST_NAME
    for text in live.texts():
        assert EMAIL.encode() not in text and FIRST_NAME.encode() not in text


def test_a_stream_goes_on_where_it_was(live: Live) -> None:
    first = live.insert(1, 30)
    catch_up(live)
    second = live.insert(31, 20, datetime.now(UTC) - timedelta(days=3))  # late rows, too
    catch_up(live)
    catch_up(live)
    records = live.records()
    assert [record["id"] for record in records[:30]] == first
    assert [record["id"] for record in records[30:]] == second
    assert [record["sequence"] for record in records] == list(range(1, 51))
    state = state_of(live)
    assert (state.sent, state.late, state.sequence, state.holder) == (50, 20, 51, None)


def test_another_schema_is_another_version(live: Live) -> None:
    live.insert(1, 3)
    catch_up(live)
    live.write(FIELDS.replace(", revenue", ""))
    live.insert(4, 3)
    catch_up(live)
    versions = [(record["schema_version"], "revenue" in record["data"]) for record in live.records()]
    assert versions == [(1, True)] * 3 + [(2, False)] * 3


def test_the_filter_holds_for_each_row(live: Live) -> None:
    live.write(
        more="filter: {events: [recipient.*], rules: [{lhv: revenue, op: is greater than, rhv: 20}]}\n"
    )
    live.insert(1, 10)
    wanted = live.insert(11, 5, sale_price="30.00")
    live.insert(16, 5, event_type="source.accepted", sale_price="30.00")
    catch_up(live)
    assert [record["id"] for record in live.records()] == wanted


def test_from_now_leaves_out_what_was_there(live: Live) -> None:
    live.write(start="now")
    live.insert(1, 10)
    catch_up(live)
    later = live.insert(11, 4)
    catch_up(live)
    assert [record["id"] for record in live.records()] == later


def test_from_a_day(live: Live) -> None:
    live.write(start="2024-01-02")
    live.insert(1, 3, datetime(2024, 1, 1, 23, 59, 59, tzinfo=UTC))
    wanted = live.insert(4, 3, datetime(2024, 1, 2, tzinfo=UTC))
    catch_up(live)
    assert [record["id"] for record in live.records()] == wanted


def test_a_row_that_cannot_be_sent_is_a_dead_letter_and_the_others_go_on(to_kinesis: Live) -> None:
    live = to_kinesis
    live.sink = live.sink.replace("partition_key: lead_id", "partition_key: lead_id, record_bytes: 2 KB")
    live.write(FIELDS.replace("outcome", "outcome, reason"))
    live.insert(1, 5)
    live.insert(6, 1, reason=f"{EMAIL} " * 200)
    live.insert(7, 4)
    catch_up(live)
    records = live.records()
    assert [record["sequence"] for record in records] == [1, 2, 3, 4, 5, 7, 8, 9, 10]
    code, out, _ = live.call("dead-letters", NAME, "--json")
    assert code == 0 and '"sequence": 6' in out and "000006" in out and EMAIL not in out
    (alert,) = live.project.ledger.open_alerts()
    assert alert.kind == "anomaly" and EMAIL not in alert.text and alert.then.endswith(f"dead-letters {NAME}")


def test_a_change_of_the_catalog_is_taken_by_a_runner(to_s3: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """A field that became personal is hidden from the next batch on."""
    live = to_s3
    monkeypatch.setattr("export_pipelines.streaming.runner.CHECK_S", 0.0)
    runners: list[Runner] = []
    thread = threading.Thread(target=lambda: run_stream(live.project, NAME, begun=runners.append))
    state_of(live)
    live.insert(1, 5)
    thread.start()
    try:
        wait_until(lambda: state_of(live).sent == 5)
        live.write(FIELDS.replace("outcome, ", ""))
        (live.folder / "catalog.yaml").write_text(
            "extends: shipped\ndatasets:\n  events: {stream: {transaction: written_by}, fields: {outcome: null}}\n",
            encoding="utf-8",
        )
        wait_until(lambda: state_of(live).schema_version == 2)
        live.insert(6, 5)
        wait_until(lambda: state_of(live).sent == 10)
    finally:
        runners[0].stop.set()
        thread.join()
    assert ["outcome" in record["data"] for record in live.records()] == [True] * 5 + [False] * 5


def test_hidden_ids_cannot_name_records(to_s3: Live) -> None:
    live = to_s3
    (live.folder / "exports" / f"{NAME}.yaml").write_text(
        f"type: event\nfields: [event_id, lead_id]\nprivacy: {{event_id: hash}}\nstream: {{{live.sink}}}\n",
        encoding="utf-8",
    )
    code, _, said = live.call(NAME)
    assert code == 2 and "event_id is hidden" in said


def test_a_stream_that_waits_for_its_source_can_be_stopped(to_s3: Live) -> None:
    live = to_s3
    live.insert(1, 5)
    catch_up(live)
    live.environment[f"{PREFIX}SOURCE_URL"] = "postgresql://nobody@127.0.0.1:1/none"
    assert run_stream(live.project, NAME, seconds=2.0) == "stopped"


def test_a_pause_by_an_earlier_name_is_one_of_the_stream(to_s3: Live) -> None:
    live = to_s3
    live.insert(1, 5)
    catch_up(live)
    live.write(more="renamed_from: before\n")
    pause_stream(live.project, "before")
    assert state_of(live).paused_at is not None
    assert state_of(live).sent == 5


def test_what_a_killed_commit_gave_up_is_known_when_its_object_is_found(
    to_s3: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The object is put, one row of the batch cannot be shown, and the ledger goes away before the cursor moves."""
    live = to_s3
    live.insert(1, 3)
    live.insert(4, 1, sale_price="NaN")
    live.insert(5, 3)

    def lost(*_: object) -> None:
        raise LostLease("the ledger does not answer")

    with monkeypatch.context() as context, pytest.raises(LostLease):
        context.setattr(Lease, "advance", lost)
        catch_up(live)
    assert len(live.records()) == 6
    catch_up(live)
    assert [record["sequence"] for record in live.records()] == [1, 2, 3, 5, 6, 7]
    ledger = live.project.ledger
    (dead,) = Streams(ledger.engine, ledger.locks).dead_letters(NAME)
    assert dead.sequence == 4 and state_of(live).sent == 6
    assert [alert.kind for alert in ledger.open_alerts()] == ["anomaly"]


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)
