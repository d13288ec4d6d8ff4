"""Looking back on every database: much at once, changed rows, clocks that are set. STREAM_ROWS=1000000 catches up with more
(30,000); with `-s` the rates are printed."""

import os
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from export_pipelines.catalog.dataset import NewRowColumns
from export_pipelines.errors import RequestError, SourceError
from export_pipelines.streaming.horizons import look_back
from export_pipelines.streaming.horizons.look_back import LookBackHorizon
from export_pipelines.streaming.horizons.open_horizon import choose_mechanism
from export_pipelines_tests.streaming.horizons.cases import Case
from export_pipelines_tests.streaming.horizons.databases import id_of
from export_pipelines_tests.streaming.horizons.reader import following

ROWS = int(os.environ.get("STREAM_ROWS", "30000"))
DAY = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["postgresql_back", "mariadb_back", "sqlite_back"])
def back(request: pytest.FixtureRequest) -> Case:
    case: Case = request.getfixturevalue(request.param)
    return case


def fill(case: Case, times: list[datetime]) -> None:
    with closing(case.database.connect()) as connection:
        rows = [case.database.row(id_of(n), moment) for n, moment in enumerate(times)]
        marks = ", ".join([case.database.mark] * len(rows[0]))
        sql = f"INSERT INTO events ({', '.join(rows[0])}) VALUES ({marks})"
        connection.cursor().executemany(sql, [tuple(row.values()) for row in rows])
        connection.commit()


def test_a_settled_table_is_walked_through(back: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where more rows have one time than a span may name, and where some have none that is past."""
    monkeypatch.setattr(look_back, "MOST_IDS", 8)
    now = datetime.now(UTC)
    fill(
        back,
        [DAY] * 30
        + [DAY + timedelta(seconds=n) for n in range(20)]
        + [now] * 20
        + [now + timedelta(days=1)] * 3,
    )
    with closing(back.open()) as horizon:
        ids, position = following(horizon, horizon.begin("beginning"))
        assert ids == {id_of(n): 1 for n in range(73)}
        assert following(horizon, position)[0] == {}
        assert following(horizon, horizon.begin(DAY + timedelta(seconds=10)))[0] == {
            id_of(n): 1 for n in range(40, 73)
        }


def test_it_catches_up(back: Case) -> None:
    fill(back, [DAY + timedelta(milliseconds=n) for n in range(ROWS)])
    with closing(back.open()) as horizon:
        begun = time.monotonic()
        ids, _ = following(horizon, horizon.begin("beginning"))
        seconds = time.monotonic() - begun
    assert ids == {id_of(n): 1 for n in range(ROWS)}
    sys.stdout.write(f"\n{back.database.url.split(':')[0]}: {ROWS / seconds:,.0f} rows a second\n")


def test_nothing_new_moves_no_position_and_yet_what_was_sent_is_forgotten(
    back: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Case(back.database, back.columns, back.name, settle_s=0.3)
    with closing(case.open()) as horizon:
        position = horizon.begin("now")
        back.database.write([id_of(n) for n in range(20)])
        _, position = following(horizon, position)
        time.sleep(0.4)
        assert horizon.look(position) is None
        assert isinstance(horizon, LookBackHorizon) and horizon.idle
        assert horizon.idle[1].sent == frozenset()
        back.database.write([id_of(20)])
        assert following(horizon, position)[0] == {id_of(20): 1}


def test_a_changed_row_is_new_again(back: Case) -> None:
    case = Case(back.database, NewRowColumns(change="start_timestamp"), back.name, back.settle_s)
    index = "CREATE INDEX events_by_change ON events (start_timestamp)"
    with closing(case.open()) as horizon:
        with pytest.raises(SourceError, match="no index of events begins with start_timestamp"):
            horizon.check()
        case.database.execute(index)
        horizon.check()
        case.database.write([id_of(1), id_of(2)])
        ids, position = following(horizon, horizon.begin("beginning"))
        assert ids == {id_of(1): 1, id_of(2): 1}
        for n in range(2):
            change = f"UPDATE events SET start_timestamp = start_timestamp + 1, reason = 'r{n}' WHERE event_id = '{id_of(2)}'"
            case.database.execute(change)
            span = horizon.look(position)
            assert span
            (part,) = horizon.read(span, None)
            assert part.batch.select(["event_id", "reason"]).to_pylist() == [
                {"event_id": id_of(2), "reason": f"r{n}"}
            ]
            position = span.end


def test_a_clock_that_is_set_back_loses_nothing(sqlite_back: Case) -> None:
    """Rows come again instead."""
    mechanism = sqlite_back.mechanism
    assert isinstance(mechanism, look_back.LookBack)
    horizon = mechanism.open(sqlite_back.plan(), sqlite_back.open().source)  # type: ignore[attr-defined]
    later = datetime.now(UTC) + timedelta(hours=1)
    horizon.now = lambda: later
    sqlite_back.database.write([id_of(1)], later)
    ids, position = following(horizon, horizon.begin("beginning"))
    assert ids == {id_of(1): 1}
    horizon.now = lambda: datetime.now(UTC)
    sqlite_back.database.write([id_of(2)])
    assert following(horizon, position)[0] == {id_of(1): 1, id_of(2): 1}


def test_times_in_any_spelling_are_walked_through(sqlite_back: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look_back, "MOST_IDS", 3)
    spellings = (
        "2024-01-01 10:00:00",
        "2024-01-01T12:00:00+02:00",
        "2024-01-01T10:00:00.000Z",
        "2024-01-01 09:59",
    )
    for n in range(16):
        sqlite_back.database.write([id_of(n)], occurred_at=spellings[n % 4])
    with closing(sqlite_back.open()) as horizon:
        ids, _ = following(horizon, horizon.begin("beginning"))
    assert ids == {id_of(n): 1 for n in range(16)}


def test_an_export_says_how_long_a_transaction_may_last(sqlite_back: Case, postgresql_back: Case) -> None:
    for case, text in ((sqlite_back, "AUTOINCREMENT"), (postgresql_back, "pg_current_xact_id")):
        with pytest.raises(RequestError, match="nothing tells which rows of events are new") as refused:
            choose_mechanism(case.dataset, case.database.url, None)
        assert text in refused.value.remedy and "settle: 10 s" in refused.value.remedy
        mechanism = choose_mechanism(case.dataset, case.database.url, 2.5)
        assert "a transaction longer than 2.5 s is lost" in mechanism.reason
