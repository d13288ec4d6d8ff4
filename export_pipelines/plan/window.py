"""Windows of time: partition keys in, half-open UTC windows out; every wrong date is a WindowError that says what is allowed."""

import re
from datetime import UTC, date, datetime, time, timedelta

from export_pipelines.definition.export import ExportDefinition
from export_pipelines.definition.schedule import is_within
from export_pipelines.errors import RequestError, WindowError
from export_pipelines.plan.partitions import (
    last_complete_window,
    midnight,
    next_start,
    partition_on,
    partition_start,
    require_boundary,
)
from export_pipelines.plan.plan import Window, iso

WHOLE_KEY = "all"
WHOLE = Window(start=datetime(1970, 1, 1, tzinfo=UTC), end=datetime(9999, 12, 31, tzinfo=UTC), key=WHOLE_KEY)
DEFAULT_START = date(2020, 1, 1)

Moment = str | date | datetime


def window_of(definition: ExportDefinition, partition_key: str | None) -> Window:
    """The window that `partition_key` names; without partitions, the whole history. Raises WindowError."""
    cadence = definition.partition
    if cadence is None:
        if partition_key in (None, WHOLE_KEY):
            return WHOLE
        raise WindowError(
            f'{definition.name} has no partitions, so there is no "{partition_key}"',
            where=definition.at("partition"),
            remedy="give --start and --end, or set partition: daily, weekly or monthly",
        )
    if partition_key is None:
        raise WindowError(
            f"{definition.name} runs one {cadence} partition at a time",
            where=definition.at("partition"),
            remedy=f"name one: {_example(definition)}",
        )
    day = _calendar_day(partition_key)
    require_boundary(cadence, day)
    first = first_day(definition)
    if day < first:
        raise WindowError(
            f"partition {partition_key} is before the first one, {first}",
            where=definition.at("start"),
            remedy=f"an earlier `start:` in {definition.path} opens earlier partitions",
        )
    return partition_on(cadence, day)


def window_between(start: Moment, end: Moment) -> Window:
    """`[start, end)`, from dates (midnight UTC) or aware times. Raises WindowError, for an end before its start too."""
    first, last = moment_named(start), moment_named(end)
    if last <= first:
        raise WindowError(
            f"the window ends at {iso(last)}, which is not after its start {iso(first)}",
            remedy="the end is exclusive: for one day, give that day as start and the next as end",
        )
    return Window(start=first, end=last, key=f"{_short(first)}_{_short(last)}")


def is_explicit(window: Window) -> bool:
    """Whether the window was given by its start and end, and is no partition."""
    return "_" in window.key


def scheduled_window(definition: ExportDefinition, now: datetime) -> Window:
    """What a run at `now` exports by itself: the last complete partition; else `filter.last` up to today's midnight;
    else the whole history."""
    if definition.partition:
        return last_complete_window(definition.partition, now)
    if definition.filter.last:
        today = midnight(now.astimezone(UTC).date())
        return window_between(before(today, definition.filter.last), today)
    return WHOLE


def window_named(definition: ExportDefinition, text: str | None, now: datetime) -> Window:
    """The window that a person names: a partition's key, `<start>/<end>`, or None for the last complete one.

    Raises WindowError, also for one that is not over yet.
    """
    start, between, end = (text or "").partition("/")
    if between:
        window = window_between(start, end)
    elif start:
        window = window_of(definition, start)
    else:
        window = scheduled_window(definition, now)
    require_complete(window, now)
    return window


def require_complete(window: Window, now: datetime) -> None:
    """Raises WindowError while rows of `window` may still come. The whole history is always as it stands."""
    if window.key != WHOLE_KEY and window.end > now:
        raise WindowError(
            f"window {window.key} is not complete before {iso(window.end)}; it is {iso(now)}",
            remedy="only what can no longer change is exported; choose an earlier partition or end",
        )


def require_quiet(definition: ExportDefinition, now: datetime, remedy: str) -> None:
    """Raises WindowError outside of the definition's quiet hours."""
    hours = definition.quiet_hours
    if hours and not is_within(now.astimezone(UTC).time(), hours):
        raise WindowError(
            f"{definition.name} runs in its quiet hours only, {hours} UTC; it is {now.astimezone(UTC):%H:%M}",
            where=definition.at("quiet_hours"),
            remedy=remedy,
        )


def require_end(definition: ExportDefinition) -> None:
    """Raises RequestError for a stream, which has no windows."""
    if definition.stream is not None:
        raise RequestError(
            f"{definition.name} is a stream, which runs without an end and has no windows",
            where=definition.at("stream"),
            remedy=f"export-pipelines stream {definition.name}",
        )


def first_day(definition: ExportDefinition) -> date:
    """First day of the first partition: the cadence's first boundary on or after the definition's `start`."""
    start = _calendar_day(definition.start) if definition.start else DEFAULT_START
    if definition.partition is None:
        return start
    first = partition_start(definition.partition, start)
    return first if first == start else next_start(definition.partition, first)


def before(end: datetime, last: str) -> datetime:
    """The moment that lies `last` ("30 days", "2 weeks", "1 month") before `end`. Raises WindowError."""
    match = re.fullmatch(r"\s*(\d{1,5})\s+(day|week|month)s?\s*", last)
    if not match or int(match[1]) < 1:
        raise WindowError(f'"{last}" is no span of time', remedy="write 30 days, 2 weeks or 1 month")
    number, unit = int(match[1]), match[2]
    try:
        if unit != "month":
            return end - timedelta(days=number * (7 if unit == "week" else 1))
        months = end.year * 12 + end.month - 1 - number
        year, month = divmod(months, 12)
        return end.replace(year=year, month=month + 1, day=min(end.day, _days_in(year, month + 1)))
    except (ValueError, OverflowError) as error:
        raise WindowError(f'"{last}" before {iso(end)} is before the calendar begins') from error


def _days_in(year: int, month: int) -> int:
    return (date(year + month // 12, month % 12 + 1, 1) - date(year, month, 1)).days


def _calendar_day(text: str) -> date:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise WindowError(f'"{text}" is no date', remedy="a date is written YYYY-MM-DD")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise WindowError(f"{text} does not exist: {error}", remedy="give a day of the calendar") from error


def moment_named(value: Moment) -> datetime:
    """The moment that a day or a time means, in UTC. Raises WindowError."""
    if isinstance(value, str):
        if len(value) == len("2024-01-15"):
            return midnight(_calendar_day(value))
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise WindowError(
                f'"{value}" is no time', remedy="write 2024-01-15 or 2024-01-15T09:30:00Z"
            ) from error
    if not isinstance(value, datetime):
        return midnight(value)
    if value.tzinfo is None:
        raise WindowError(f"{value.isoformat()} has no time zone", remedy="end it with Z for UTC")
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise WindowError(f"{value.isoformat()} lies outside of the calendar in UTC") from error


def _short(moment: datetime) -> str:
    whole_day = moment.time() == time()
    if whole_day:
        return moment.date().isoformat()
    return (
        moment.strftime("%Y-%m-%dT%H%M%S") + (f"{moment.microsecond:06d}" if moment.microsecond else "") + "Z"
    )


def _example(definition: ExportDefinition) -> str:
    return f"--partition {first_day(definition)}"
