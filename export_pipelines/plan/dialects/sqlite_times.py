"""Times that SQLite holds as text, in any ISO spelling: a blank or a T, a Z, an offset or no zone, with a fraction or without."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    FromClause,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    or_,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import REAL

from export_pipelines.plan.dialects.dialect import Expression, fixed

SHORTEST = len("2024-01-31T10:00:00")
OWN = "????-??-??T??:??:??.???Z"  # without digits, which take three times as long
ALIKE = (OWN, "????-??-?? ??:??:??.??????", "????-??-?? ??:??:??")  # each of one length, without an offset
OFFSET, DIGITS = "[-+]??:??", "0123456789"
COLUMN = "$column$"
A_DAY = timedelta(days=1)  # more than any offset from UTC
A_TICK = timedelta(milliseconds=1)  # of which windows are made
BEYOND_DIGITS = "~"  # sorts after all of them


class _MomentOfColumn(ColumnElement[str]):
    """`moment` of a plain column: its text, of hundreds of signs, is compiled once a process and not for each query."""

    inherit_cache = True
    _traverse_internals = [("time", InternalTraversal.dp_clauseelement)]  # noqa: RUF012

    def __init__(self, time: ColumnClause[Any]) -> None:
        self.time = time
        self.type = time.type

    @property
    def _from_objects(self) -> list[FromClause]:
        return self.time._from_objects


@compiles(_MomentOfColumn)
def _spelled_out(moment: _MomentOfColumn, compiler: SQLCompiler, **options: Any) -> str:
    return _template().replace(COLUMN, compiler.process(moment.time, **options))


@cache
def _template() -> str:
    column: Expression = literal_column(COLUMN)
    return str(_moment_of(column).compile(dialect=sqlite.dialect(paramstyle="qmark")))


def moment(time: Expression) -> Expression:
    """`2024-01-31T10:00:00.123` or `...123Z` in UTC: as texts these sort as their moments do. Null for what is no time.

    The program's own spelling stays as it is, which a pattern recognises at little cost. Of every other spelling SQLite checks that
    the date and time exist. Without an offset only the separators are rewritten; with one, SQLite converts to UTC, and the
    fraction is appended unchanged, since SQLite would keep milliseconds only."""
    return _MomentOfColumn(time) if isinstance(time, ColumnClause) else _moment_of(time)


def _moment_of(time: Expression) -> Expression:
    whole = _letters(time, 1, SHORTEST)
    clock = func.replace(whole, fixed(" "), fixed("T"))
    tail = func.substr(time, literal_column(str(SHORTEST + 1)))
    behind = func.ltrim(func.substr(tail, literal_column("2")), fixed(DIGITS))
    zone = case((tail.op("GLOB")(fixed(".[0-9]*")), behind), else_=tail)
    fraction = _letters(tail, 1, func.length(tail) - literal_column("6"))
    moved = _read(whole.op("||")(_letters(time, -6, 6)))
    minute = _letters(time, 1, 16)
    short = func.substr(time, literal_column("17"))
    return case(
        (time.op("GLOB")(fixed(OWN)), time),
        (
            func.length(time) == literal_column("10"),
            case((_read(time, "%Y-%m-%d") == time, _read(time))),
        ),
        (
            _read(minute).is_distinct_from(
                func.replace(minute, fixed(" "), fixed("T")).op("||")(fixed(":00"))
            ),
            null(),
        ),
        (short.op("GLOB")(fixed(OFFSET)), _inside(_read(time))),
        (short.in_([fixed(""), fixed("Z")]), _inside(_read(minute))),
        (_read(whole).is_distinct_from(clock), null()),
        (zone.in_([fixed(""), fixed("Z")]), _inside(clock.op("||")(func.rtrim(tail, fixed("Z"))))),
        (zone.op("GLOB")(fixed(OFFSET)), _inside(moved.op("||")(fraction))),
    )


def _read(time: Expression, form: str = "%Y-%m-%dT%H:%M:%S") -> Expression:
    """The time as SQLite reads it, which then tells of the 30th of February that it is another day."""
    return func.strftime(fixed(form), time, fixed("+0 days"))


def _inside(moment: Expression) -> Expression:
    """The moment, unless it lies before the year 1."""
    return case((moment >= fixed("0001"), moment))


def is_mixed(time: Expression) -> Expression:
    """Whether the times of a column, an aggregate, are not all of one spelling of one length without an offset."""
    spelling = case(
        (time.is_(None), null()),
        *((time.op("GLOB")(fixed(form)), literal_column(str(n))) for n, form in enumerate(ALIKE, 1)),
        else_=literal_column("0"),
    )
    first: Expression = func.min(spelling)
    return or_(first == literal_column("0"), first < func.max(spelling))


def order(time: Expression) -> tuple[Expression, ...]:
    """The second and its fraction, that 10:00:00 and 10:00:00.000 are one moment."""
    read = moment(time)
    fraction = cast(fixed("0").op("||")(func.substr(read, literal_column(str(SHORTEST + 1)))), REAL)
    return _letters(read, 1, SHORTEST), fraction


def bound(instant: datetime) -> Expression:
    """What `moment` compares with: it sorts before every spelling of that instant, and after every earlier one."""
    return literal(_spelled(instant))


def around(time: Expression, start: datetime, end: datetime | None) -> Expression:
    """A range that holds all spellings of these moments, and that an index serves: all begin with the day, which an
    offset moves by one."""
    first = time >= literal(_day(start, -A_DAY))
    return first if end is None else and_(first, time < literal(_day(end, 2 * A_DAY)))


def within(time: Expression, start: datetime, end: datetime | None) -> Expression:
    """Whether a time lies there, or is none but may be meant so."""
    near = around(time, start, end)
    stored = func.coalesce(moment(time), bound(start))
    if end is None:
        return and_(near, stored >= bound(start))
    last = literal(f"{_spelled(end - A_TICK)}{BEYOND_DIGITS}")
    return and_(near, stored.between(bound(start), last))


def _spelled(instant: datetime) -> str:
    """`2024-01-15T10:30:45` or `...45.123`, without trailing zeros."""
    text = (
        instant.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00")
    )  # four digits of any year
    milliseconds = instant.microsecond // 1000
    return f"{text}.{milliseconds:03d}" if milliseconds else text


def _day(instant: datetime, by: timedelta) -> str:
    try:
        return (instant.astimezone(UTC) + by).date().isoformat()
    except OverflowError:
        return "9999-12-32" if by > timedelta() else ""


def _letters(text: Expression, first: int, count: int | Expression) -> Expression:
    length: Expression = literal_column(str(count)) if isinstance(count, int) else count
    return func.substr(text, literal_column(str(first)), length)
