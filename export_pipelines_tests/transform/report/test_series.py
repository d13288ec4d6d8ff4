"""The buckets of a series: all of the window, or those with rows."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from export_pipelines.catalog.metrics import METRICS
from export_pipelines.plan.window import WHOLE, window_between
from export_pipelines_tests.transform.report.store import FIRST_DAY, report

ZEROS = (0, Decimal("0.00"))


@pytest.mark.parametrize(
    ("every", "first", "last", "count"),
    [
        ("hour", datetime(2024, 1, 10, tzinfo=UTC), datetime(2024, 2, 19, 23, tzinfo=UTC), 41 * 24),
        ("day", date(2024, 1, 10), date(2024, 2, 19), 41),
        ("week", date(2024, 1, 8), date(2024, 2, 19), 7),
        ("month", date(2024, 1, 1), date(2024, 2, 1), 2),
    ],
)
def test_every_bucket_of_the_window_is_there(
    every: str, first: date, last: date, count: int, url: str, tmp_path: Path
) -> None:
    window = window_between("2024-01-10", "2024-02-20")  # the leads end on the 14th of February
    rows = report(url, tmp_path, f"metrics: [leads, revenue, acceptance_rate]\nevery: {every}", window)
    buckets = [row[every] for row in rows]
    assert (buckets[0], buckets[-1], len(buckets)) == (first, last, count)
    assert buckets == sorted(set(buckets))


@pytest.mark.parametrize(
    ("every", "chosen", "buckets"),
    [
        ("day", "weekdays: [saturday, monday]", ["2024-01-01", "2024-01-06", "2024-01-08", "2024-01-13"]),
        ("day", "dates: [2024-01-03, 2024-01-20]", ["2024-01-03"]),
        ("week", "weekdays: [saturday]", ["2024-01-01", "2024-01-08"]),
        ("hour", 'dates: [2024-01-03]\n  hours: "09:30-11:00"', ["2024-01-03 09", "2024-01-03 10"]),
        ("hour", 'dates: [2024-01-03]\n  hours: "23:00-01:00"', ["2024-01-03 00", "2024-01-03 23"]),
        (
            "hour",
            'weekdays: [friday]\n  hours: "23:00-01:00"',
            ["2024-01-05 23", "2024-01-06 00", "2024-01-12 23", "2024-01-13 00"],
        ),
        (
            "hour",
            'weekdays: [sunday]\n  hours: "23:30-00:30"',
            ["2024-01-01 00", "2024-01-07 23", "2024-01-08 00"],
        ),
        (
            "day",
            'weekdays: [friday]\n  hours: "22:00-06:00"',
            ["2024-01-05", "2024-01-06", "2024-01-12", "2024-01-13"],
        ),
    ],
)
def test_hours_and_days_that_the_filter_leaves_out_are_not_zero_but_absent(
    every: str, chosen: str, buckets: list[str], sqlite_url: str, tmp_path: Path
) -> None:
    window = window_between("2024-01-01", "2024-01-14")
    rows = report(sqlite_url, tmp_path, f"metrics: [leads]\nevery: {every}\nfilter:\n  {chosen}", window)
    assert [str(row[every])[: len(buckets[0])] for row in rows] == buckets


def test_a_bucket_without_rows_is_zero_and_its_rates_are_null(sqlite_url: str, tmp_path: Path) -> None:
    window = window_between("2023-12-30", "2024-01-02")
    *empty, full = report(sqlite_url, tmp_path, f"metrics: [{', '.join(METRICS)}]\nevery: day", window)
    assert [row.pop("day") for row in empty] == [date(2023, 12, 30), date(2023, 12, 31)]
    for row in empty:
        for name, value in row.items():
            whole = not METRICS[name].per and METRICS[name].percentile is None and not name.startswith("max")
            assert value in ZEROS if whole else value is None, name
    assert full["leads"] > 0


def test_without_fill_only_buckets_with_rows_are_there(sqlite_url: str, tmp_path: Path) -> None:
    window = window_between("2023-12-30", "2024-01-02")
    (row,) = report(sqlite_url, tmp_path, "metrics: [leads]\nevery: day\nfill: false", window)
    assert row["day"] == FIRST_DAY


def test_every_group_has_every_bucket(sqlite_url: str, tmp_path: Path) -> None:
    rows = report(sqlite_url, tmp_path, "metrics: [leads]\nevery: day\ngroup_by: [source.name, outcome]")
    groups = {(row["source_name"], row["outcome"]) for row in rows}
    assert len(rows) == 31 * len(groups)
    assert [row["day"] for row in rows] == sorted(row["day"] for row in rows)


def test_a_series_over_the_whole_history_goes_from_its_first_bucket_to_its_last(
    sqlite_url: str, tmp_path: Path
) -> None:
    rows = report(
        sqlite_url, tmp_path, "metrics: [leads]\nevery: day\nfilter: {where: {type: source}}", WHOLE
    )
    assert [row["day"] for row in rows] == [FIRST_DAY + timedelta(days=n) for n in range(45)]


def test_an_empty_window_without_groups_is_a_series_of_zeros_and_with_groups_nothing(
    sqlite_url: str, tmp_path: Path
) -> None:
    window = window_between("2030-01-01", "2030-01-04")
    assert [row["leads"] for row in report(sqlite_url, tmp_path, "metrics: [leads]\nevery: day", window)] == [
        0,
        0,
        0,
    ]
    assert report(sqlite_url, tmp_path, "metrics: [leads]\ngroup_by: [state]", window) == []
    pivoted = "metrics: [leads]\nevery: hour\ngroup_by: [state]\npivot: state\nlimits: {rows: 10}"
    assert report(sqlite_url, tmp_path, pivoted, window) == []
    assert report(sqlite_url, tmp_path, "metrics: [leads]", window) == [{"leads": 0}]
