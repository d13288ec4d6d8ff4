"""Every kind of sink, on real servers: nothing is lost whatever goes wrong, doubles are counted, and masks hold.

ROUNDS=20 in the environment sends so many streams under random faults instead of one."""

import logging
import os
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.errors import RequestError, RetryableError
from export_pipelines_tests.streaming.sinks.cursor import Cursor
from export_pipelines_tests.streaming.sinks.places import FAULTS, PLACES, SHORT_S, SLOW, TIMEOUT_S, Place
from export_pipelines_tests.streaming.sinks.samples import (
    BARE,
    CANARIES,
    ENVELOPE,
    lead_rows,
    shown,
)

ROUNDS = int(os.environ.get("ROUNDS", "1"))
ONE_CALL = 300  # rows with keys of their own
STREAM = 1200  # rows


@pytest.fixture(params=list(PLACES))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with PLACES[request.param](tmp_path) as place:
        yield place


def rows_of(number: int, keys: int = 1000) -> list[tuple[Any, ...]]:
    return [(f"lead-{n % keys}", n, None, "é\n") for n in range(number)]


def assert_none_lost(place: Place, rows: int, doubtful: int = 0) -> None:
    """Each sequence is there, with its id; no more of them are doubled than were doubtful, and doubles are equal."""
    records = place.records()
    times = Counter(record["sequence"] for record in records)
    assert set(times) == set(range(rows))
    assert all(record["id"] == f"id-{record['data']['lead']}" for record in records)
    assert {(record["sequence"], record["data"]["n"]) for record in records} == {(n, n) for n in range(rows)}
    assert sum(number > 1 for number in times.values()) <= doubtful


def assert_ordered_by_key(place: Place) -> None:
    """What a reader sees who drops doubles."""
    seen, by_key = set[int](), defaultdict[str, list[int]](list)
    for record in place.records():
        if record["sequence"] not in seen:
            seen.add(record["sequence"])
            by_key[record["data"]["lead"]].append(record["sequence"])
    assert all(sequences == sorted(sequences) for sequences in by_key.values())


def test_every_record_arrives_once(place: Place) -> None:
    sink = place.sink()
    sink.check()
    for first in (0, 700):
        rows = rows_of(1300)[first : first + 700 - first // 7]
        sink.add(shown(rows, first))
        sent = sink.commit(lambda _: None)
        assert (sent.rows, sent.doubtful, sent.retried, sent.dead) == (len(rows), 0, 0, ())
        assert sent.bytes > 0
    sink.close()
    assert_none_lost(place, 1300)
    first_record = min(place.records(), key=lambda record: record["sequence"])
    assert first_record == {
        "id": "id-lead-0",
        "sequence": 0,
        "export": "events",
        "schema_version": 3,
        "emitted_at": "2024-01-15T10:59:30.250Z",
        "data": {"lead": "lead-0", "n": 0, "pay": None, "text": "é\n"},
    }


def test_a_batch_without_rows_is_no_object_and_no_call(place: Place) -> None:
    sink = place.sink()
    assert sink.commit(lambda _: None).rows == 0
    sink.add(shown([]))
    assert sink.commit(lambda _: None).rows == 0
    assert place.records() == []


def test_bare_records_have_no_envelope(place: Place) -> None:
    sink = place.sink(envelope=BARE)
    sink.add(shown(rows_of(3)))
    sink.commit(lambda _: None)
    assert sorted(record["n"] for record in place.records()) == [0, 1, 2]
    assert place.records()[0].keys() == {"lead", "n", "pay", "text"}


@pytest.mark.parametrize(
    ("place", "fault"),
    [(kind, fault) for kind, faults in FAULTS.items() for fault in faults],
    indirect=["place"],
)
def test_no_fault_loses_a_record(place: Place, fault: str) -> None:
    sink = place.sink(timeout_s=SHORT_S if fault in SLOW else TIMEOUT_S)
    place.fail(fault)
    sink.add(shown(rows_of(2 * ONE_CALL, keys=ONE_CALL)))
    sent = sink.commit(lambda _: None)
    assert_none_lost(place, 2 * ONE_CALL, sent.doubtful)
    assert_ordered_by_key(place)
    doubles = len(place.records()) - 2 * ONE_CALL
    if place.kind == "s3":
        assert (doubles, sent.doubtful) == (0, 0)
    else:
        assert sent.doubtful == (0 if fault in ("throttle", "partial") else ONE_CALL)
        assert doubles == (ONE_CALL if fault in ("lost", "broken", "slow") else 0) or fault == "late"


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_streams_under_random_faults_lose_nothing(
    place: Place, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A sink that gives up soon: batches fail, come again, and go on."""
    caplog.set_level(logging.WARNING, "export_pipelines")
    choice, cursor = random.Random(seed), Cursor(rows_of(STREAM, keys=90), seed, most=250)
    sink = place.sink(patience_s=0.1)
    while cursor.position < len(cursor.rows):
        for _ in range(choice.randint(0, 3)):
            place.fail(choice.choice(place.quick_faults))
        cursor.advance(sink)
    assert_none_lost(place, STREAM, sum(sent.doubtful for sent in cursor.sent))
    assert_ordered_by_key(place)
    times = Counter(record["sequence"] for record in place.records())
    assert {sequence for sequence, number in times.items() if number > 1} <= noted(caplog)
    assert place.kind != "s3" or len(place.records()) == STREAM


def noted(caplog: pytest.LogCaptureFixture) -> set[int]:
    """The sequences that warnings named as doubtful."""
    sequences = set[int]()
    for record in caplog.records:
        for span in getattr(record, "sequences", ()):
            first, _, last = span.partition("-")
            sequences |= set(range(int(first), int(last or first) + 1))
    return sequences


def test_a_failed_commit_says_so_and_its_rows_are_sent_once_when_they_come_again(place: Place) -> None:
    cursor = Cursor(rows_of(900, keys=300), most=900)
    sink = place.sink(patience_s=0.2)
    if place.proxy is not None:
        place.proxy.chances = {"throttle": 1.0}
        place.fail("partial")
    else:
        place.fail("refuse")
    while not cursor.failures and not cursor.sent:
        cursor.advance(sink)
    if place.proxy is not None:
        assert cursor.failures == 1
        place.proxy.chances = {}
    cursor.drain(sink)
    assert_none_lost(place, 900, doubtful=0)
    assert_ordered_by_key(place)


def test_a_sink_that_is_away_is_retryable_and_names_no_key(place: Place) -> None:
    sink = place.sink(patience_s=0.1, endpoint_url="http://127.0.0.1:9")
    sink.add(shown(rows_of(3)))
    with pytest.raises(RetryableError) as caught:
        sink.commit(lambda _: None)
    assert "s3cret" not in str(caught.value)
    with pytest.raises(RetryableError):
        sink.check()


def test_masked_values_are_in_no_record_no_log_and_no_error(
    place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "export_pipelines")
    folder = tmp_path / "leads"
    folder.mkdir()
    plan, rows, raw = lead_rows(folder)
    canaries = {value for id in CANARIES for value in raw[id].drop_nulls().to_list() if len(value) > 5}
    changes: dict[str, Any] = {"partition_key": "email"} if place.kind == "kinesis" else {}
    sink = place.sink(plan, ENVELOPE, **changes)
    for fault in place.quick_faults:
        place.fail(fault)
    sink.add(rows)
    sink.commit(lambda _: None)
    arrived = b"\n".join(place.arrived_bytes()).decode()
    assert arrived.count('"schema_version":3') >= len(rows.frame) > 200 and len(canaries) > 300
    logged = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    keys = " ".join(place.keys())
    assert [value for value in canaries if value in arrived + logged + keys] == []


def test_a_bad_name_is_told_before_anything_is_sent(place: Place) -> None:
    absent: dict[str, Any] = {"bucket": "not-there-at-all"} if place.kind == "s3" else {"stream": "not-there"}
    sink = place.sink(**absent)
    with pytest.raises(RequestError) as caught:
        sink.check()
    assert "not" in str(caught.value) and "(" in str(caught.value)
    if place.kind != "s3":  # SeaweedFS makes the bucket
        sink.add(shown(rows_of(1)))
        with pytest.raises(RequestError):
            sink.commit(lambda _: None)
