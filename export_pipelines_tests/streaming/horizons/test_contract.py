"""What every horizon owes, on every mechanism. STREAM_S=60 writes for a minute (3 s), STREAM_LATE_S=10 commits up to so late (2 s),
STREAM_OPEN_S=60 leaves a transaction open for so long (3 s), STREAM_KILLS=0 kills no reader; with `-s` the times from commit to reading are printed."""

import json
import os
import random
import sys
import time
from collections.abc import Iterator
from statistics import median, quantiles
from typing import Any

import pytest

from export_pipelines import mask
from export_pipelines.definition.filters import Filter, Rule
from export_pipelines.definition.filters import Operator as Op
from export_pipelines.errors import RequestError
from export_pipelines.mask.keys import Keys
from export_pipelines.streaming.horizon import Horizon, Span
from export_pipelines.streaming.horizons import rows
from export_pipelines_tests.streaming.horizons.cases import Case
from export_pipelines_tests.streaming.horizons.databases import id_of
from export_pipelines_tests.streaming.horizons.reader import KEEP, Reader, following, next_span
from export_pipelines_tests.streaming.horizons.writers import Traffic

SECONDS = float(os.environ.get("STREAM_S", "3"))
LATE_S = float(os.environ.get("STREAM_LATE_S", "0")) or None
KILLS = float(os.environ.get("STREAM_KILLS", "0.02"))
OPEN_S = float(os.environ.get("STREAM_OPEN_S", "3"))


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "BATCH_ROWS", 7)


def position_text(case: Case, start: Any = "now") -> str:
    horizon = case.open()
    try:
        return json.dumps(horizon.begin(start, KEEP))
    finally:
        horizon.close()


def reader(case: Case, start: Any = "now", **more: Any) -> Reader:
    return Reader(case, position_text(case, start), random.Random(5), **more)


def all_rows(horizon: Horizon, span: Span, after: Any = None) -> list[str]:
    return [id for part in horizon.read(span, after) for id in part.batch.column("event_id").to_pylist()]


def test_no_row_is_lost_and_none_comes_twice(case: Case, small_batches: None) -> None:
    """But for those that were sent when the reader was killed, before that was stored."""
    late_s = LATE_S if LATE_S and case.open_s is None else case.late_s
    traffic = Traffic(case.database, late_s)
    stream = reader(case, kills=KILLS)
    traffic.start(SECONDS, case.open_s if case.open_s is not None else OPEN_S)
    while traffic.is_running:
        stream.step()
        time.sleep(0.25)
    traffic.join()
    stream.drain(traffic.committed)
    stream.horizon.close()
    assert len(traffic.committed) > 20 * SECONDS
    assert traffic.refused and bool(stream.deaths) == bool(KILLS)
    assert set(stream.sent) == set(traffic.committed)
    assert {id for id, times in stream.sent.items() if times > 1} <= stream.repeated
    report(case, traffic, stream)


def report(case: Case, traffic: Traffic, stream: Reader) -> None:
    lags = sorted(stream.at[id] - at for id, at in traffic.committed.items())
    sys.stdout.write(
        f"\n{case.name}: {len(lags)} rows, {len(traffic.refused)} rolled back, {stream.deaths} kills,"
        f" p50 {median(lags):.2f} s, p95 {quantiles(lags, n=20)[-1]:.2f} s\n"
    )


def test_a_position_waits_for_what_comes(case: Case) -> None:
    case.database.write([id_of(1), id_of(2)])
    stream = reader(case)
    ids, position = following(stream.horizon, json.loads(stream.position))
    assert not ids
    case.database.write([id_of(3)])
    ids, position = following(stream.horizon, position, 1)
    assert ids == {id_of(3): 1}
    assert not following(stream.horizon, position)[0]
    stream.horizon.close()


def test_what_was_there_comes_from_the_beginning(case: Case, small_batches: None) -> None:
    case.database.write([id_of(n) for n in range(20)])
    stream = reader(case, "beginning")
    case.database.write([id_of(n) for n in range(20, 25)])
    ids, _ = following(stream.horizon, json.loads(stream.position), 25)
    stream.horizon.close()
    assert ids == {id_of(n): 1 for n in range(25)}


def test_a_span_is_read_from_any_of_its_keys(case: Case, small_batches: None) -> None:
    case.database.write([id_of(n) for n in range(40)])
    stream = reader(case, "beginning")
    horizon, spans = stream.horizon, list[Span]()
    for span in every_span(horizon, json.loads(stream.position)):
        spans.append(Span(*json.loads(json.dumps([span.content, span.end]))))
    case.database.write([id_of(n) for n in range(40, 50)])  # of a later span
    again = case.open()
    read = [all_rows(horizon, span) for span in spans]
    assert sorted(id for ids in read for id in ids) == [id_of(n) for n in range(40)]
    for span, ids in zip(spans, read, strict=True):
        assert all_rows(again, span) == ids
        parts = list(horizon.read(span, None))
        assert not parts or max(part.batch.num_rows for part in parts) == 7
        assert list(ids_after(again, span, parts)) == [ids[len_to(parts, n) :] for n in range(len(parts))]
    horizon.close()
    again.close()


def every_span(horizon: Horizon, at: Any) -> Iterator[Span]:
    while (span := horizon.look(at)) is not None:
        yield span
        at = span.end


def ids_after(horizon: Horizon, span: Span, parts: list[Any]) -> Iterator[list[str]]:
    for part in parts:
        yield all_rows(horizon, span, tuple(json.loads(json.dumps(part.last))))


def len_to(parts: list[Any], n: int) -> int:
    return sum(part.batch.num_rows for part in parts[: n + 1])


def test_rows_that_are_deleted_meanwhile_are_left_out(case: Case, small_batches: None) -> None:
    stream = reader(case)
    case.database.write([id_of(n) for n in range(20)])
    horizon = stream.horizon
    span = next_span(horizon, json.loads(stream.position))
    (first, *_) = horizon.read(span, None)
    case.database.execute(f"DELETE FROM events WHERE event_id IN ('{id_of(6)}', '{id_of(11)}')")
    assert all_rows(horizon, span, first.last) == [id_of(n) for n in range(7, 20) if n != 11]
    assert not following(horizon, span.end)[0]
    horizon.close()


def test_the_plan_is_kept_to(case: Case) -> None:
    """Filters, those too that the database cannot be asked, joins and masks."""
    stream = reader(
        case,
        changes={
            "filter": Filter(
                rules=(
                    Rule(lhv="host", op=Op.MATCHES, rhv="^h[12]$"),
                    Rule(lhv="host", op=Op.NOT_EQUAL, rhv="ÄÖ"),
                )
            )
        },
    )
    plan = case.plan(**stream.changes)
    for n, host in enumerate(("h1", "h2", "h3", "äö", "h1")):
        case.database.write([id_of(n)], host=host)
    shown: list[Any] = []
    position = json.loads(stream.position)
    while len(shown) < 3:
        span = next_span(stream.horizon, position)
        for part in stream.horizon.read(span, None):
            shown += mask.apply(plan, part.batch, Keys()).frame.to_dicts()
        position = span.end
    stream.horizon.close()
    assert [row["event_id"] for row in shown] == [id_of(0), id_of(1), id_of(4)]
    assert {row["recipient.name"] for row in shown} == {"Bolt Insurance"}
    assert "Lovelace" not in str(shown)


def test_a_cursor_of_another_kind_is_refused(case: Case) -> None:
    horizon = case.open()
    own = dict(horizon.begin("now", KEEP))
    for changed, text in (({"mechanism": "polling"}, "polling"), ({"version": 99}, "newer version")):
        with pytest.raises(RequestError, match=text):
            horizon.look(own | changed)
    horizon.close()


def test_the_database_has_what_the_mechanism_needs(case: Case) -> None:
    horizon = case.open()
    horizon.check()
    horizon.close()
