"""Times that SQLite holds as text, in any ISO spelling: a blank or a T, a Z, an offset or no zone, with a fraction or without."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import and_, case, func, literal, literal_column

from export_pipelines.plan.dialects.dialect import Expression, fixed

SHORTEST = len("2024-01-31T10:00:00")
NO_TIME = "no time"  # stands in the place of one that cannot be read, which the stream refuses with its row
A_DAY = timedelta(days=1)  # more than any offset from UTC
A_TICK = timedelta(milliseconds=1)  # of which windows are made
BEYOND_DIGITS = "~"  # sorts after all of them


def moment(time: Expression) -> Expression:
    """`2024-01-31T10:00:00.123` or `...123Z` in UTC: as texts these sort as their moments do. Null for what is no time.

    The program's own spelling stays as it is, which a pattern tells in no time. Another one without an offset needs other
    signs only; the rest is SQLite's to read, which knows offsets, and takes no more than milliseconds."""
    is_own = time.op("GLOB")(fixed("????-??-??T??:??:??.???Z"))
    is_whole = and_(
        func.length(time) >= literal_column(str(SHORTEST)),
        _letters(time, 11, 1).in_([fixed("T"), fixed(" ")]),
        _letters(time, -6, 1).not_in([fixed("+"), fixed("-")]),
    )
    plain = func.rtrim(func.replace(time, fixed(" "), fixed("T")), fixed("Z"))
    return case((is_own, time), (is_whole, plain), else_=func.strftime(fixed("%Y-%m-%dT%H:%M:%f"), time))


def shown(time: Expression) -> Expression:
    """What the stream reads of a time."""
    return case((time.is_not(None), func.coalesce(moment(time), fixed(NO_TIME))))


def bound(instant: datetime) -> Expression:
    """What `moment` compares with: it sorts before every spelling of that instant, and after every earlier one."""
    return literal(_spelled(instant))


def within(time: Expression, start: datetime, end: datetime | None) -> Expression:
    """Whether a time lies there, or is none but may be meant so. All spellings begin with the day, so that an index
    serves; an offset moves it by one."""
    near = [time >= literal(_day(start, -A_DAY))]
    if end is None:
        return and_(*near, func.coalesce(moment(time), bound(start)) >= bound(start))
    near.append(time < literal(_day(end, 2 * A_DAY)))
    last = literal(f"{_spelled(end - A_TICK)}{BEYOND_DIGITS}")
    return and_(*near, func.coalesce(moment(time), bound(start)).between(bound(start), last))


def _spelled(instant: datetime) -> str:
    """`2024-01-15T10:30:45` or `...45.123`, without trailing zeros."""
    text = instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    milliseconds = instant.microsecond // 1000
    return f"{text}.{milliseconds:03d}" if milliseconds else text


def _day(instant: datetime, by: timedelta) -> str:
    try:
        return (instant.astimezone(UTC) + by).strftime("%Y-%m-%d")
    except OverflowError:
        return "9999-12-32" if by > timedelta() else ""


def _letters(time: Expression, first: int, count: int) -> Expression:
    return func.substr(time, literal_column(str(first)), literal_column(str(count)))
