"""Dates and times of a file, as they are stored."""

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from export_pipelines.errors import ImportFileError
from export_pipelines.importer.dates import DateOrder
from export_pipelines.importer.mapping import load_mapping
from export_pipelines_tests.importer.room import MAP, Room


@pytest.mark.parametrize(
    ("written", "zone", "stored"),
    [
        ("2024-01-15 10:30", "America/Chicago", "2024-01-15T16:30:00.000Z"),
        ("2024-07-15 10:30", "America/Chicago", "2024-07-15T15:30:00.000Z"),
        ("2024-07-15T10:30:00Z", "America/Chicago", "2024-07-15T10:30:00.000Z"),
        ("2024-01-31 20:00", "America/New_York", "2024-02-01T01:00:00.000Z"),
        ("2024-01-15 10:30", None, "2024-01-15T10:30:00.000Z"),
    ],
)
def test_times_without_an_offset_are_of_the_zone_of_the_file(
    room: Room, written: str, zone: str | None, stored: str
) -> None:
    file = room.folder / "map.yaml"
    file.write_text("columns: {when: submitted_at}\n" + (f"timezone: {zone}\n" if zone else ""))
    assert room.load(f"when,x\n{written},1\n", load_mapping(file)).loaded == 1
    assert room.rows("SELECT submitted_at FROM leads") == [(stored,)]


@pytest.mark.parametrize(
    ("written", "reason"),
    [("2024-11-03 01:30", "America/Chicago show twice"), ("2024-03-10 02:30", "America/Chicago leave out")],
)
def test_an_hour_that_clocks_show_twice_or_not_at_all_is_rejected(
    room: Room, written: str, reason: str
) -> None:
    file = room.folder / "map.yaml"
    file.write_text("columns: {when: submitted_at}\ntimezone: America/Chicago\n")
    assert room.load(f"when,x\n{written},1\n2024-11-03 03:00,2\n", load_mapping(file)).rejected == 1
    ((line, why, _),) = room.rejects()
    assert line == 2 and reason in why


@pytest.mark.parametrize(
    ("times", "mapping", "stored", "order"),
    [
        (["1/2/2024", "1/31/2024"], {}, "2024-01-02T00:00:00.000Z", ("month first", 3)),
        (["1/2/2024", "31/1/2024"], {}, "2024-02-01T00:00:00.000Z", ("day first", 3)),
        (["01.02.2024 10:30", "31.01.2024"], {}, "2024-02-01T10:30:00.000Z", ("day first", 3)),
        (["1/2/2024 12:05 AM", "1/31/2024"], {}, "2024-01-02T00:05:00.000Z", ("month first", 3)),
        (["1/2/2024, 10:30:15 p.m.", "1/31/2024"], {}, "2024-01-02T22:30:15.000Z", ("month first", 3)),
        (["1/2/2024", "1/3/2024"], {"dates": DateOrder.DAY_FIRST}, "2024-02-01T00:00:00.000Z", ("day first", None)),
        (["1/1/2024", "2/2/2024"], {}, "2024-01-01T00:00:00.000Z", ("month first", None)),
        (["1/2/2024 23:30", "1/31/2024"], {"zone": ZoneInfo("America/New_York")}, "2024-01-03T04:30:00.000Z", ("month first", 3)),
    ],
)  # fmt: skip
def test_day_and_month_are_told_by_the_other_rows_or_by_a_person(
    room: Room, times: list[str], mapping: dict[str, Any], stored: str, order: tuple[str, int | None]
) -> None:
    rows = "".join(f'"{time}",{n}\n' for n, time in enumerate(times))
    result = room.load(f"when,ref\n{rows}", replace(MAP, **mapping))
    assert [(column.header, column.order, column.line) for column in result.dates] == [("when", *order)]
    assert room.rows("SELECT submitted_at FROM leads WHERE reference = '0'") == [(stored,)]


def test_one_slip_among_many_dates_is_rejected_alone(room: Room) -> None:
    rows = "".join(f"1/{13 + n % 9}/2024,{n}\n" for n in range(200))
    result = room.load(f"when,ref\n{rows}31/1/2024,x\n")
    assert (result.loaded, [reason for _, reason, _ in room.rejects()]) == (
        200,
        ["when: not in the calendar, month first"],
    )


@pytest.mark.parametrize(
    ("date", "time", "more", "stored"),
    [
        ("2024-01-15", "10:30", "", "2024-01-15T10:30:00.000Z"),
        ("1/15/2024", "10:30 PM", "", "2024-01-15T22:30:00.000Z"),
        ("15.Jan.24", "10h30", ", format: '%d.%b.%y %Hh%M'", "2024-01-15T10:30:00.000Z"),
    ],
)
def test_date_and_time_in_two_columns_are_one_time(
    room: Room, date: str, time: str, more: str, stored: str
) -> None:
    file = room.folder / "map.yaml"
    file.write_text(f"columns: {{Date: {{field: submitted_at, with: time{more}}}}}\n")
    result = room.load(f"Time,DATE,city\n{time},{date},Austin\n,{date},Dallas\n", load_mapping(file))
    assert room.rows("SELECT submitted_at, city, custom FROM leads") == [(stored, "Austin", None)]
    assert [reason for _, reason, _ in room.rejects()] == ["DATE: only one of date and time of day is given"]
    assert [(column.header, column.field) for column in result.columns] == [
        ("Time", "its time of day"),
        ("DATE", "submitted_at"),
        ("city", "city"),
    ]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("Date: {field: submitted_at, with: tim}", 'unknown column "tim"; allowed: Date, Time, city'),
        ("Date: {field: submitted_at, with: Time}, Time: city", 'the column "Time" is mapped'),
        (
            "Date: submitted_at, city: {field: city, with: Time}",
            "joins a time of day to a date, and city is none",
        ),
    ],
)
def test_a_time_of_day_that_cannot_be_joined_is_refused(room: Room, columns: str, message: str) -> None:
    file = room.folder / "map.yaml"
    file.write_text(f"columns: {{{columns}}}\n")
    with pytest.raises(ImportFileError, match=message):
        room.load("Date,Time,city\n2024-01-15,10:30,Austin\n", load_mapping(file))


def test_an_order_that_was_said_holds_for_dates_that_come_late(room: Room) -> None:
    rows = [f"2024-01-15,{number}" for number in range(2_100)] + [f"3/4/2024,late{n}" for n in range(5)]
    result = room.load("when,ref\n" + "\n".join(rows) + "\n", replace(MAP, dates=DateOrder.DAY_FIRST))
    assert (result.loaded, result.rejected) == (2_105, 0)
