"""When an export runs by itself: words or a cron line in, a cron line in UTC out, at most once a day."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time

from cronsim import CronSim, CronSimError

from export_pipelines.definition.export import RETRY_FOR, Cadence
from export_pipelines.definition.words import TIME_PATTERN, WEEKDAYS, read_weekday
from export_pipelines.errors import nearest, unknown
from export_pipelines.yaml.schema_faults import shown_value

ALLOWED = "daily, weekly, monthly, each with a day and a time (weekly on monday at 02:00), or a cron line of 5 fields (0 2 * * 1)"
MAX_ACTIVE = 100
LAST_DAY_OF_EVERY_MONTH = 28
LONGEST_STEP = 31  # days
LENGTHS: dict[Cadence, int] = {"daily": 1, "weekly": 7, "weekly of month": 10, "monthly": 31}  # days, at most

_WORDS = re.compile(r"(\w+)(?: on (?:day )?(\S+?))?(?: at (\S+))?")
_FIELD = r"(?:\*|[0-9]+|[a-z]{3})(?:-(?:[0-9]+|[a-z]{3}))?(?:/[0-9]+)?"
_CRON = re.compile(rf"(?:{_FIELD})(?:,{_FIELD})*")
_OFTEN = re.compile(r"@?(hourly|minutely)\b|every( ?\d+)? ?(h|hours?|m|min|minutes?|s|sec|seconds?)\b")
_ANY_MOMENT = datetime(2024, 1, 1, tzinfo=UTC)


class ScheduleFault(ValueError):
    """A schedule that cannot be kept; the text says what is allowed."""


@dataclass(frozen=True)
class Schedule:
    """A cron line in UTC; `cadence` is the word it was made from, None for a cron line. A window that failed is tried again
    for `retry_for`."""

    cron: str
    cadence: Cadence | None
    retry_for: str = RETRY_FOR


def read_schedule(text: str) -> Schedule:
    """`weekly on monday at 02:00` or `0 2 * * 1`; midnight, Sunday and the 1st unless said otherwise.

    Raises ScheduleFault for what is neither, never comes, or comes more often than once a day.
    """
    plain = " ".join(text.lower().split())
    if len(plain.split()) == 5 and _looks_like_cron(plain):
        return Schedule(_cron(plain), None)
    match = _WORDS.fullmatch(plain)
    if not match or match[1] not in _READERS:
        raise ScheduleFault(_no_schedule(plain))
    minute, hour = _time(match[3])
    cadence, days = _READERS[match[1]](match[2])
    return Schedule(f"{minute} {hour} {days}", cadence)


def _looks_like_cron(plain: str) -> bool:
    return bool(re.match(r"[*0-9]", plain))


def _no_schedule(plain: str) -> str:
    first = plain.split(maxsplit=1)[0] if plain else ""
    if _OFTEN.match(plain):
        return f"an export runs at most once a day; allowed: {ALLOWED}"
    if first.removeprefix("@") in _READERS and first not in _READERS:
        return f"write {first.removeprefix('@')} without the @"
    if first in (*_READERS, "every") or _looks_like_cron(plain):
        return f"a schedule is expected, not {shown_value(plain)}; allowed: {ALLOWED}"
    near = nearest(first, _READERS)
    meant = f'did you mean "{near}"? ' if near else ""
    return f"unknown schedule {shown_value(plain)}; {meant}allowed: {ALLOWED}"


def _time(text: str | None) -> tuple[int, int]:
    """Minute and hour."""
    if text is None:
        return 0, 0
    if not re.fullmatch(TIME_PATTERN, text):
        raise ScheduleFault(f"a time of day is expected, not {shown_value(text)}; write 02:00 or 23:59 (UTC)")
    hour, minute = text.split(":")
    return int(minute), int(hour)


def _daily(day: str | None) -> tuple[Cadence, str]:
    if day is not None:
        raise ScheduleFault(f'"daily" has no day; write daily at 02:00, or weekly on {day}')
    return "daily", "* * *"


def _weekly(day: str | None) -> tuple[Cadence, str]:
    try:
        number = WEEKDAYS.index(read_weekday(day or WEEKDAYS[0]))
    except ValueError as error:
        raise ScheduleFault(unknown("weekday", str(day), WEEKDAYS)) from error
    return "weekly", f"* * {number}"


def _monthly(day: str | None) -> tuple[Cadence, str]:
    number = re.fullmatch(r"(\d{1,2})(st|nd|rd|th)?", day or "1")
    if not number or not 1 <= int(number[1]) <= 31:
        raise ScheduleFault(f"a day of the month is expected, not {shown_value(day)}; write monthly on 15")
    if int(number[1]) > LAST_DAY_OF_EVERY_MONTH:
        raise ScheduleFault(
            f"monthly on {number[1]} would skip the months without that day; allowed: 1 to {LAST_DAY_OF_EVERY_MONTH}"
        )
    return "monthly", f"{int(number[1])} * *"


_READERS = {"daily": _daily, "weekly": _weekly, "monthly": _monthly}


def _cron(plain: str) -> str:
    """The line with minute and hour as plain numbers. In UTC every day has 24 hours, so two ticks are less than a day
    apart exactly when one day holds two, which is when the line names more than one minute or hour."""
    fields = plain.split()
    for field in fields:
        if not _CRON.fullmatch(field):
            raise ScheduleFault(
                f'the cron field "{field}" is not read here; allowed: numbers, names, * , - and /'
            )
        if any(int(step) > LONGEST_STEP for step in re.findall(r"/([0-9]+)", field)):
            raise ScheduleFault(f'the step in the cron field "{field}" is longer than the field')
    days, _, weekdays = fields[2:]
    if "*" not in (days, weekdays) and "*" in days + weekdays:
        raise ScheduleFault(
            f'cron programs disagree on "{days}" together with "{weekdays}"; give a day of month or of week, not both'
        )
    try:
        cron = CronSim(plain, _ANY_MOMENT)
        next(cron)
    except CronSimError as error:
        raise ScheduleFault(f'the cron line "{plain}" is wrong: {str(error).lower()}') from error
    except StopIteration as error:
        raise ScheduleFault(f'the cron line "{plain}" never comes') from error
    if len(cron.minutes) > 1 or len(cron.hours) > 1:
        raise ScheduleFault(
            f'the cron line "{plain}" runs more often than once a day; give one minute and one hour'
        )
    return " ".join([str(*cron.minutes), str(*cron.hours), *fields[2:]])


def begins_within(schedule: Schedule, hours: str) -> bool:
    """Whether the ticks lie in `22:00-06:00`."""
    minute, hour = schedule.cron.split()[:2]
    return is_within(time(int(hour), int(minute)), hours)


def is_within(moment: time, hours: str) -> bool:
    """Whether a time of day lies in half-open hours, which may run over midnight."""
    text, (start, end) = moment.strftime("%H:%M"), hours.split("-")
    return start <= text < end if start < end else text >= start or text < end
