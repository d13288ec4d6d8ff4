from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipelines.definition.export import Cadence, ExportDefinition
from export_pipelines.definition.filters import Filter
from export_pipelines.definition.output import Format
from export_pipelines.errors import WindowError
from export_pipelines.plan.partitions import last_complete_window, partition_keys
from export_pipelines.plan.window import (
    WHOLE,
    before,
    first_day,
    require_complete,
    scheduled_window,
    window_between,
    window_of,
)

CADENCES: list[Cadence] = ["daily", "weekly", "weekly of month", "monthly"]
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def export(**more: Any) -> ExportDefinition:
    return ExportDefinition(
        name="x", path=Path("exports/x.yaml"), type="lead", format=Format(name="csv"), **more
    )


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("cadence", "key", "end"),
    [
        ("daily", "2024-02-29", "2024-03-01"),
        ("weekly", "2024-12-29", "2025-01-05"),
        ("monthly", "2024-02-01", "2024-03-01"),
        ("monthly", "2024-12-01", "2025-01-01"),
        ("weekly of month", "2024-01-01", "2024-01-08"),
        ("weekly of month", "2024-01-15", "2024-01-22"),
        ("weekly of month", "2024-01-22", "2024-02-01"),
        ("weekly of month", "2023-02-22", "2023-03-01"),
        ("weekly of month", "2024-12-22", "2025-01-01"),
    ],
)
def test_a_partition_key_names_a_half_open_window(cadence: Cadence, key: str, end: str) -> None:
    window = window_of(export(partition=cadence), key)
    assert (window.start, window.end, window.key) == (at(key), at(end), key)


@pytest.mark.parametrize(
    ("cadence", "key", "message"),
    [
        ("daily", "2023-02-29", "2023-02-29 does not exist: day is out of range for month"),
        ("daily", "2024-1-5", '"2024-1-5" is no date (a date is written YYYY-MM-DD)'),
        ("daily", "20240105", '"20240105" is no date'),
        ("daily", "2019-12-31", "partition 2019-12-31 is before the first one, 2020-01-01"),
        ("weekly of month", "2024-01-29", "begin on the 1st, 8th, 15th or 22nd of a month, and 2024-01-29 is none (2024-01-22 is the partition that holds it)"),
        ("weekly", "2024-01-15", "weekly partitions begin on a Sunday, and 2024-01-15 is none (2024-01-14 is the partition that holds it)"),
        ("monthly", "2024-01-15", "monthly partitions begin on the 1st of a month, and 2024-01-15 is none (2024-01-01 is the partition"),
        ("daily", None, "x runs one daily partition at a time (name one: --partition 2020-01-01)"),
        (None, "2024-01-15", 'x has no partitions, so there is no "2024-01-15"'),
    ],
)  # fmt: skip
def test_a_partition_that_is_not_there_is_refused(
    cadence: Cadence | None, key: str | None, message: str
) -> None:
    with pytest.raises(WindowError) as caught:
        window_of(export(partition=cadence), key)
    assert message in str(caught.value)


@pytest.mark.parametrize("key", [None, "all"])
def test_without_partitions_the_window_is_the_whole_history(key: str | None) -> None:
    assert window_of(export(), key) == WHOLE


@pytest.mark.parametrize(
    ("start", "end", "key"),
    [
        ("2024-01-01", "2024-02-01", "2024-01-01_2024-02-01"),
        (date(2024, 1, 1), at("2024-01-02"), "2024-01-01_2024-01-02"),
        ("2024-01-01T09:30:00Z", "2024-01-01T12:00:00+02:00", "2024-01-01T093000Z_2024-01-01T100000Z"),
    ],
)
def test_a_window_between_two_moments_is_named_by_both(start: Any, end: Any, key: str) -> None:
    assert window_between(start, end).key == key


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (
            "2024-01-02",
            "2024-01-01",
            "the window ends at 2024-01-01T00:00:00.000Z, which is not after its start",
        ),
        ("2024-01-01", "2024-01-01", "which is not after its start"),
        ("2024-01-01T09:30:00", "2024-02-01", "2024-01-01T09:30:00 has no time zone (end it with Z for UTC)"),
        ("soon enough", "2024-02-01", '"soon enough" is no time'),
        ("2024-04-31", "2024-05-01", "2024-04-31 does not exist"),
    ],
)
def test_a_window_that_cannot_be_is_refused(start: str, end: str, message: str) -> None:
    with pytest.raises(WindowError) as caught:
        window_between(start, end)
    assert message in str(caught.value)


@pytest.mark.parametrize("cadence", CADENCES)
@given(now=MOMENTS)
def test_the_last_complete_window_has_just_ended(cadence: Cadence, now: datetime) -> None:
    window = last_complete_window(cadence, now)
    require_complete(window, now)
    following = window_of(export(partition=cadence, start="1999-01-01"), window.end.date().isoformat())
    assert following.start == window.end
    with pytest.raises(WindowError, match="is not complete before"):
        require_complete(following, now)


@pytest.mark.parametrize("cadence", CADENCES)
@given(start=MOMENTS, days=st.integers(0, 500))
def test_partition_keys_tile_the_time_they_lie_in(cadence: Cadence, start: datetime, days: int) -> None:
    end = start + timedelta(days=days)
    windows = [
        window_of(export(partition=cadence, start="1999-01-01"), key)
        for key in partition_keys(cadence, start, end)
    ]
    assert all(start <= window.start and window.end <= end for window in windows)
    assert all(left.end == right.start for left, right in pairwise(windows))
    if days >= 62:
        assert windows[0].start - start <= timedelta(days=31)
        assert end - windows[-1].end <= timedelta(days=31)


def test_partition_keys_of_a_month_are_its_days() -> None:
    keys = partition_keys("daily", at("2023-08-01"), at("2023-09-01"))
    assert (len(keys), keys[0], keys[-1]) == (31, "2023-08-01", "2023-08-31")


@pytest.mark.parametrize(
    ("cadence", "first"), [("daily", "2024-01-15"), ("weekly", "2024-01-21"), ("monthly", "2024-02-01")]
)
def test_the_first_partition_begins_on_or_after_the_start(cadence: Cadence, first: str) -> None:
    assert first_day(export(partition=cadence, start="2024-01-15")) == date.fromisoformat(first)


@pytest.mark.parametrize(
    ("last", "start"),
    [
        ("1 day", "2024-03-30"),
        ("30 days", "2024-03-01"),
        ("2 weeks", "2024-03-17"),
        ("1 month", "2024-02-29"),
        ("13 months", "2023-02-28"),
    ],
)
def test_a_span_ends_where_the_window_ends(last: str, start: str) -> None:
    assert before(at("2024-03-31"), last) == at(start)


@pytest.mark.parametrize("last", ["30", "0 days", "-1 days", "1 year", "", "99999 months"])
def test_a_span_that_is_none_is_refused(last: str) -> None:
    with pytest.raises(WindowError):
        before(at("2024-03-31"), last)


def test_a_run_by_itself_takes_the_last_days_up_to_midnight() -> None:
    window = scheduled_window(export(filter=Filter(last="2 days")), at("2024-01-15T09:30:00"))
    assert (window.start, window.end) == (at("2024-01-13"), at("2024-01-15"))


def test_a_run_by_itself_takes_the_last_complete_partition() -> None:
    assert scheduled_window(export(partition="daily"), at("2024-01-15T09:30:00")).key == "2024-01-14"


def test_the_whole_history_is_complete_at_any_time() -> None:
    require_complete(scheduled_window(export(), at("2024-01-15")), at("2024-01-15"))
