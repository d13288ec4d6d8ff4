"""The partitions of each cadence: where days, weeks, weeks of a month and months are cut, all at midnight UTC."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile

from export_pipelines.definition.export import Cadence
from export_pipelines.definition.schedule import LENGTHS
from export_pipelines.errors import WindowError
from export_pipelines.plan.plan import Window

BOUNDARY: dict[Cadence, str] = {
    "daily": "a day",
    "weekly": "a Sunday",
    "weekly of month": "the 1st, 8th, 15th or 22nd of a month",
    "monthly": "the 1st of a month",
}
LAST_WEEK = 22  # day of the month on which its last week begins
LAST_YEAR = 9999


def last_complete_window(cadence: Cadence, now: datetime) -> Window:
    """The newest partition that had ended by `now`."""
    return partition_on(cadence, _previous(cadence, partition_start(cadence, now.astimezone(UTC).date())))


def partition_keys(cadence: Cadence, start: datetime, end: datetime) -> list[str]:
    """Keys of the partitions that lie wholly within `[start, end)`, oldest first."""
    return [
        window.key for window in takewhile(lambda partition: partition.end <= end, _beginning(cadence, start))
    ]


def require_boundary(cadence: Cadence, day: date) -> None:
    """Raises WindowError for a day on which no partition begins."""
    first = partition_start(cadence, day)
    if day != first:
        raise WindowError(
            f"{cadence} partitions begin on {BOUNDARY[cadence]}, and {day} is none",
            remedy=f"{first} is the partition that holds it",
        )


def _beginning(cadence: Cadence, start: datetime) -> Iterator[Window]:
    day = partition_start(cadence, start.astimezone(UTC).date())
    while day.year < LAST_YEAR:
        window = partition_on(cadence, day)
        if window.start >= start:
            yield window
        day = next_start(cadence, day)


def partition_on(cadence: Cadence, day: date) -> Window:
    """The partition that begins on `day`."""
    return Window(start=midnight(day), end=midnight(next_start(cadence, day)), key=day.isoformat())


def partition_start(cadence: Cadence, day: date) -> date:
    """The first day of the partition that holds `day`."""
    match cadence:
        case "daily":
            return day
        case "weekly":
            return day - timedelta(days=day.isoweekday() % 7)
        case "weekly of month":
            return day.replace(day=min((day.day - 1) // 7 * 7 + 1, LAST_WEEK))
        case "monthly":
            return day.replace(day=1)


def next_start(cadence: Cadence, day: date) -> date:
    """The first day of the partition after the one that begins on `day`."""
    if cadence == "weekly of month" and day.day < LAST_WEEK:
        return day + timedelta(days=7)
    return partition_start(cadence, day + timedelta(days=LENGTHS[cadence]))


def _previous(cadence: Cadence, day: date) -> date:
    return partition_start(cadence, day - timedelta(days=1))


def midnight(day: date) -> datetime:
    """In UTC."""
    return datetime.combine(day, time(), tzinfo=UTC)
