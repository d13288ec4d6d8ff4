"""Times that SQLite holds as text are compared as moments, however they are spelled; what is no time is refused with its row."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from export_pipelines import mask
from export_pipelines.definition.filters import Filter, Rule
from export_pipelines.definition.filters import Operator as Op
from export_pipelines.errors import DataError
from export_pipelines.read.open_source import open_source
from export_pipelines_tests.mask.leads import KEYS
from export_pipelines_tests.plan.tables import request_for, window
from export_pipelines_tests.read.databases import Sqlite, chosen
from export_pipelines_tests.run.whole_run import plan_of, sample_url

MOMENT = datetime(2024, 1, 31, 23, 30, tzinfo=UTC)
SPELLINGS = [
    "2024-01-31T23:30:00Z",
    "2024-01-31T23:30:00.000Z",
    "2024-01-31T23:30:00",
    "2024-01-31T23:30Z",
    "2024-01-31 23:30:00",
    "2024-01-31 23:30",
    "2024-01-31 23:30:00.000000",
    "2024-01-31 23:30:00Z",
    "2024-02-01T00:30:00+01:00",
    "2024-02-01 13:30:00+14:00",
    "2024-01-31T11:30:00.000-12:00",
]
BEFORE, AFTER = "2024-01-31T23:29:59.999Z", "2024-01-31T23:30:00.001Z"


@pytest.mark.parametrize("id", ["at", "at_sql"])
@pytest.mark.parametrize("spelled", SPELLINGS)
def test_every_spelling_is_the_same_moment_to_a_rule(tmp_path: Path, spelled: str, id: str) -> None:
    database = Sqlite(tmp_path / "store.db")
    database.fill([{id: spelled}, {id: BEFORE}, {id: AFTER}, {id: None}])
    text = MOMENT.isoformat()
    found = {
        op: chosen(database, request_for(Filter(rules=(Rule(lhv=id, op=op, rhv=text),))))
        for op in (Op.EQUAL, Op.LESS, Op.GREATER)
    }
    assert found == {Op.EQUAL: [0], Op.LESS: [1], Op.GREATER: [2]}


def store_with(folder: Path, spelled: str) -> str:
    """A store of a thousand leads, the first of them at this time."""
    url = sample_url(folder)
    with closing(sqlite3.connect(folder / "leads.db")) as connection, connection:
        connection.execute(
            "UPDATE leads SET submitted_at = ? WHERE lead_id = (SELECT min(lead_id) FROM leads)", [spelled]
        )
    return url


def read(url: str, day: str, fields: tuple[str, ...] = ("lead_id", "submitted_at")) -> pl.DataFrame:
    plan = plan_of(day, fields=fields)
    batches = list(open_source(url).read(plan.query))
    return (
        pl.concat([mask.apply(plan, batch, KEYS).frame for batch in batches]) if batches else pl.DataFrame()
    )


@pytest.mark.parametrize("spelled", SPELLINGS)
def test_a_row_is_in_the_window_of_its_moment_alone(tmp_path: Path, spelled: str) -> None:
    url = store_with(tmp_path, spelled)
    days = {day: read(url, day) for day in ("2024-01-30", "2024-01-31", "2024-02-01")}
    assert {day: len(rows) for day, rows in days.items()} == {
        "2024-01-30": 0,
        "2024-01-31": 1,
        "2024-02-01": 0,
    }
    assert days["2024-01-31"]["submitted_at"].to_list() == [MOMENT]


@pytest.mark.parametrize("spelled", ["2024-01-31", "2024-01-31 00:00:00", "2024-01-31T00:00:00.000Z"])
def test_the_first_moment_of_a_day_is_in_it(tmp_path: Path, spelled: str) -> None:
    url = store_with(tmp_path, spelled)
    assert [len(read(url, day)) for day in ("2024-01-30", "2024-01-31")] == [0, 1]


@pytest.mark.parametrize(
    "spelled", ["2024-01-31T25:00", "2024-01-31 noon", "2024-01-31T10:00:00+0200", "2024-01-31T10:00:99Z"]
)
@pytest.mark.parametrize("fields", [("lead_id", "submitted_at"), ("lead_id", "outcome")])
def test_what_is_no_time_is_refused_with_its_row(
    tmp_path: Path, spelled: str, fields: tuple[str, ...]
) -> None:
    url = store_with(tmp_path, spelled)
    with pytest.raises(DataError, match="a stored value is not a timestamp") as raised:
        read(url, "2024-01-31", fields)
    assert "lead_id 65a4" in str(raised.value) and "submitted_at" in str(raised.value)


def test_times_with_a_sign_of_another_day_are_told_by_their_windows(tmp_path: Path) -> None:
    database = Sqlite(tmp_path / "store.db")
    database.fill(
        [
            {"at": one}
            for one in ("2024-02-01T13:30:00+14:00", "2024-01-31T10:00:00-12:00", "2024-02-01 00:00:00")
        ]
    )
    month = window("2024-01-01", "2024-02-01")
    assert chosen(database, request_for(Filter(), month)) == [0, 1]
    hours = Filter(hours="22:00-23:00")
    assert chosen(database, request_for(hours, month)) == [1]
