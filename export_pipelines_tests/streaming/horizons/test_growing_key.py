"""What keys of SQLite are refused, and how they read much. STREAM_ROWS=1000000 for a larger first span (60,000)."""

import json
import os
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from export_pipelines.catalog.dataset import NewRowColumns
from export_pipelines.errors import RequestError, SourceError
from export_pipelines.streaming.horizons import growing_key
from export_pipelines_tests.streaming.horizons.cases import Case
from export_pipelines_tests.streaming.horizons.conftest import numbered
from export_pipelines_tests.streaming.horizons.databases import Sqlite, id_of
from export_pipelines_tests.streaming.horizons.reader import following
from export_pipelines_tests.streaming.horizons.test_look_back import DAY, fill

ROWS = int(os.environ.get("STREAM_ROWS", "60000"))


@pytest.mark.parametrize(
    ("key", "column"),
    [
        ("number", "number INTEGER PRIMARY KEY"),
        ("number", "number INTEGER PRIMARY KEY AUTOINCREMENT CHECK (number > 0), number_2 INTEGER"),
        ("rowid", "number INTEGER PRIMARY KEY AUTOINCREMENT"),
        ("number_2", "number INTEGER PRIMARY KEY AUTOINCREMENT, number_2 INTEGER"),
    ],
)
def test_a_key_that_may_be_given_again_is_refused(tmp_path: Path, key: str, column: str) -> None:
    database = Sqlite(f"sqlite:///{tmp_path / 'leads.db'}", mark="?")
    case = numbered(Case(database, NewRowColumns(key=key), "growing key").make(), column)
    with closing(case.open()) as horizon:
        if "CHECK" in column:
            horizon.check()
            return
        with pytest.raises(
            SourceError, match=f"events.{key} is not declared INTEGER PRIMARY KEY AUTOINCREMENT"
        ):
            horizon.check()


def test_a_view_is_refused(sqlite_key: Case) -> None:
    sqlite_key.database.execute(
        "ALTER TABLE events RENAME TO stored", "CREATE VIEW events AS SELECT * FROM stored"
    )
    with closing(sqlite_key.open()) as horizon, pytest.raises(SourceError, match="events is no table"):
        horizon.check()


def test_another_file_is_refused(sqlite_key: Case) -> None:
    sqlite_key.database.write([id_of(1), id_of(2)])
    with closing(sqlite_key.open()) as horizon:
        position: Any = horizon.begin("now")
        sqlite_key.database.execute("DELETE FROM events")
        sqlite_key.database.execute("VACUUM")
        assert horizon.look(position) is None
        with pytest.raises(RequestError, match="this is another file"):
            horizon.look(position | {"key": 7})


def test_keys_of_deleted_rows_and_gaps_between_them_are_passed(
    sqlite_key: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing_key, "MOST_KEYS", 4)
    write = sqlite_key.database.write
    write([id_of(n) for n in range(9)])
    sqlite_key.database.execute(f"DELETE FROM events WHERE event_id IN ('{id_of(3)}', '{id_of(8)}')")
    write([id_of(20)], number=10**12)
    write([id_of(21)])
    with closing(sqlite_key.open()) as horizon:
        ids, position = following(horizon, horizon.begin("beginning"))
        assert ids == {id_of(n): 1 for n in (0, 1, 2, 4, 5, 6, 7, 20, 21)}
        assert position["key"] == 10**12 + 1
        sqlite_key.database.execute(f"DELETE FROM events WHERE event_id = '{id_of(21)}'")
        assert horizon.look(position) is None
        write([id_of(22)])
        assert following(horizon, position)[0] == {id_of(22): 1}


def test_a_start_leaves_earlier_rows_out(sqlite_key: Case) -> None:
    for n, day in enumerate((DAY, DAY + timedelta(days=1), DAY - timedelta(days=1), datetime.now(UTC))):
        sqlite_key.database.write([id_of(n)], day)
    with closing(sqlite_key.open()) as horizon:
        ids, _ = following(horizon, horizon.begin(DAY + timedelta(days=1)))
    assert ids == {id_of(1): 1, id_of(3): 1}


def test_much_is_read_at_once(sqlite_key: Case) -> None:
    fill(sqlite_key, [DAY + timedelta(milliseconds=n) for n in range(ROWS)])
    with closing(sqlite_key.open()) as horizon:
        begun = time.monotonic()
        ids, position = following(horizon, horizon.begin("beginning"))
        seconds = time.monotonic() - begun
        assert json.dumps(position)
    assert ids == {id_of(n): 1 for n in range(ROWS)}
    sys.stdout.write(f"\n{ROWS / seconds:,.0f} rows a second\n")
