"""The predicates over the time of a row: the window, and the keys of the filter that cut more from it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import and_, literal, or_

from export_pipelines.catalog import Field, Kind
from export_pipelines.definition.words import WEEKDAYS, is_over_midnight
from export_pipelines.errors import RequestError, WindowError
from export_pipelines.plan.dialects.dialect import Expression
from export_pipelines.plan.plan import iso
from export_pipelines.plan.query.predicate import Predicate, located
from export_pipelines.plan.query.scope import first_granted
from export_pipelines.plan.query.tables import Tables
from export_pipelines.plan.request import PlanRequest
from export_pipelines.plan.window import WHOLE_KEY, before

ONE_DAY = timedelta(days=1)


def window(request: PlanRequest, tables: Tables) -> Iterator[Predicate]:
    """The rows of the window."""
    window = request.window
    if window.key != WHOLE_KEY:  # the whole history holds rows without a time, too
        yield Predicate(window_text(request), _range(tables, window.start, window.end))


def window_text(request: PlanRequest) -> str:
    """The line of the window's predicate."""
    return f"{request.dataset.window} in {request.window}"


def last(request: PlanRequest, tables: Tables) -> Iterator[Predicate]:
    """`last: 30 days`: those before the end of the window."""
    last = request.definition.filter.last
    if last is None:
        return
    with located(request, "filter", "last"):
        if request.window.key == WHOLE_KEY:
            raise WindowError(f"the last {last} need a window that ends", remedy="give --start and --end")
        start = before(request.window.end, last)
    if start > request.window.start:
        yield Predicate(
            f"{tables.dataset.window} from {iso(start)} (last: {last})", _range(tables, start, None)
        )


def granted_days(request: PlanRequest, tables: Tables) -> Iterator[Predicate]:
    """The days of the roles, where the window begins before."""
    since = first_granted(request)
    if since is not None:
        yield Predicate(f"{tables.dataset.window} from {iso(since)} (by right)", _range(tables, since, None))


def dates(request: PlanRequest, tables: Tables) -> Iterator[Predicate]:
    """`dates: [2024-01-15]`: whole days."""
    dates = sorted(set(request.definition.filter.dates))
    if dates:
        ranges = [_range(tables, *bounds) for bounds in _runs(dates)]
        yield Predicate(f"{tables.dataset.window} on {', '.join(map(str, dates))}", or_(*ranges))


def hours(request: PlanRequest, tables: Tables) -> Iterator[Predicate]:
    """`hours: "09:00-17:00"`, on any day."""
    hours = request.definition.filter.hours
    if hours is None or _are_nights(request):
        return
    evening, morning = _after_and_before(hours, tables)
    join = or_ if is_over_midnight(hours) else and_
    yield Predicate(_hours_as_text(hours, tables), join(evening, morning))


def weekdays(request: PlanRequest, tables: Tables) -> Iterator[Predicate]:
    """`weekdays: [monday]`; with hours over midnight, the nights that begin on these days."""
    days = sorted({WEEKDAYS.index(name) for name in request.definition.filter.weekdays})
    if not days:
        return
    names = ", ".join(WEEKDAYS[day] for day in days)
    weekday = tables.dialect.weekday(_window_column(tables), _window_field(tables).stored_as)
    on = weekday.in_([literal(str(day)) for day in days])
    hours = request.definition.filter.hours
    if hours is None or not _are_nights(request):
        yield Predicate(f"{tables.dataset.window} on {names}", on)
        return
    evening, morning = _after_and_before(hours, tables)
    day_after = weekday.in_([literal(str((day + 1) % 7)) for day in days])
    yield Predicate(
        f"{_hours_as_text(hours, tables)}, of the nights that begin on {names}",
        or_(and_(evening, on), and_(morning, day_after)),
    )


def _are_nights(request: PlanRequest) -> bool:
    chosen = request.definition.filter
    return bool(chosen.weekdays) and chosen.hours is not None and is_over_midnight(chosen.hours)


def _after_and_before(hours: str, tables: Tables) -> tuple[Expression, Expression]:
    start, end = hours.split("-")
    clock = tables.dialect.time_of_day(_window_column(tables), _window_field(tables).stored_as)
    return clock >= literal(start), clock < literal(end)


def _hours_as_text(hours: str, tables: Tables) -> str:
    start, end = hours.split("-")
    return f"{tables.dataset.window} from {start} to before {end} UTC"


def _window_field(tables: Tables) -> Field:
    field = tables.dataset.find(tables.dataset.window)
    if not isinstance(field, Field) or field.kind is not Kind.TIMESTAMP:
        raise RequestError(
            f"the window column {tables.dataset.window} of {tables.dataset.name} is no timestamp"
        )
    return field


def _window_column(tables: Tables) -> Expression:
    return tables.operand(_window_field(tables)).value


def _range(tables: Tables, start: datetime, end: datetime | None) -> Expression:
    column, stored_as = _window_column(tables), _window_field(tables).stored_as
    return tables.dialect.within(column, stored_as, start, end)


def _runs(dates: list[date]) -> Iterator[tuple[datetime, datetime]]:
    """Days that follow one another become one range."""
    start = end = dates[0]
    for day in dates[1:]:
        if day != end + ONE_DAY:
            yield _midnight(start), _midnight(end + ONE_DAY)
            start = day
        end = day
    yield _midnight(start), _midnight(end + ONE_DAY)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
