"""The first column that sorts the rows, by which they can be read in ranges: where ranges begin, and which rows one holds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from sqlalchemy import FromClause, Select, Text, cast, func, literal_column, select

from export_pipelines.plan.dialects.dialect import Dialect, Expression
from export_pipelines.plan.query.query import Query, RangeKey
from export_pipelines.plan.query.tables import Tables, tables_in
from export_pipelines.plan.request import PlanRequest

ORDER_BY = " ORDER BY "
UNIQUE_TYPES = ("timestamp", "id")  # of which no value is of a person
STEP_ROWS = 1_000  # between two bounds
Nulls = Literal["first", "last"]


@dataclass(frozen=True)
class Range:
    """Rows whose key is at least `low` and less than `high`, both as texts of the database; None: no such end. `is_null`:
    those that have none."""

    low: str | None = None
    high: str | None = None
    is_null: bool = False


@dataclass(frozen=True)
class Cut:
    """Ranges of the rows, in order; without any, `reason` says why one connection reads them all."""

    ranges: tuple[Range, ...] = ()
    reason: str = ""


def range_key(
    request: PlanRequest,
    tables: Tables,
    where: Sequence[Expression],
    source: FromClause,
    selected: FromClause,
) -> RangeKey | None:
    """The key of the rows that `where` leaves of `source`, of which columns of `selected` are given; None where they cannot be read in ranges of one."""
    field = tables.field(request.order[0])
    if not tables.dialect.ranges or field.path or request.new_rows is not None:
        return None
    column = tables.column(field)
    sorting = [tables.field(id) for id in request.order]
    joined = [named for named in tables_in(selected) if named is not tables.base]
    names = tuple(dict.fromkeys(_table(tables.dialect, named) for named in (tables.base, *joined)))
    is_unique = (
        request.order == request.dataset.order
        and all(sort.path is None and sort.type in UNIQUE_TYPES for sort in sorting)
        and names[0] not in [_table(tables.dialect, named) for named in joined]
    )
    nulls: Nulls = "last" if field.id in request.dataset.order else "first"
    return RangeKey(
        field=field.id,
        column=_spelled(tables.dialect, column),
        nulls=nulls,
        is_filtered=bool(where),
        bounds_sql=tables.dialect.compile(_bounds(column, where, source)).sql,
        unique=tuple(_spelled(tables.dialect, tables.column(sort)) for sort in sorting) if is_unique else (),
        unique_ids=request.order if is_unique else (),
        tables=names,
    )


def _bounds(column: Expression, where: Sequence[Expression], source: FromClause) -> Select[Any]:
    """The key of each STEP_ROWSth row, as text."""
    number = func.row_number().over(order_by=column).label("number")
    rows = select(column.label("key"), number).select_from(source).where(*where).subquery("numbered")
    is_bound = rows.c.number % literal_column(str(STEP_ROWS)) == literal_column("0")
    return select(cast(rows.c.key, Text)).where(is_bound, rows.c.key.is_not(None)).order_by(rows.c.number)


def _table(dialect: Dialect, named: FromClause) -> str:
    """As the SELECT spells it, without a name of its own."""
    _, _, spelled = dialect.compile(select(literal_column("1")).select_from(named)).sql.partition("FROM ")
    return spelled.strip()


def _spelled(dialect: Dialect, column: Expression) -> str:
    selected, _, _ = dialect.compile(select(column)).sql.partition("\nFROM")
    return selected.removeprefix("SELECT ").strip()


def ranges_between(key: RangeKey, bounds: Sequence[str]) -> Iterator[Range]:
    """The ranges that hold each row once, in the order of the rows."""
    ends = [None, *bounds, None]
    ranges = [Range(low=low, high=high) for low, high in pairwise(ends)]
    without = [Range(is_null=True)]
    yield from (*without, *ranges) if key.nulls == "first" else (*ranges, *without)


def joined(first: Range, last: Range) -> Range:
    """From the beginning of `first` to the end of `last`, neither of them of nulls."""
    return Range(low=first.low, high=last.high)


def sql_of_range(query: Query, rows: Range) -> str:
    """The SELECT of the rows in the range, in the query's order."""
    key = query.range_key
    assert key is not None
    conditions = [f"{key.column} IS NULL"] if rows.is_null else []
    conditions += [f"{key.column} >= {_quoted(rows.low)}"] if rows.low is not None else []
    conditions += [f"{key.column} < {_quoted(rows.high)}"] if rows.high is not None else []
    if not conditions:
        conditions = [f"{key.column} IS NOT NULL"]
    return with_condition(query, " AND ".join(conditions)).sql


def with_condition(query: Query, condition: str) -> Query:
    """The rows of the query that fulfil a condition, too, and their count."""
    key = query.range_key
    assert key is not None
    joint = "AND" if key.is_filtered else "WHERE"
    chosen, _, order = query.sql.rpartition(ORDER_BY)
    changes = {
        "sql": f"{chosen} {joint} {condition}{ORDER_BY}{order}",
        "count_sql": f"{query.count_sql} {joint} {condition}",
        "range_key": key.model_copy(update={"is_filtered": True}),
    }
    return query.model_copy(update=changes)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
