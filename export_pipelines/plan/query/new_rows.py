"""The rows of a stream: those that its horizon found to be new, chosen in the SELECT by values that come with each read."""

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate

from sqlalchemy import literal_column, select

from export_pipelines.plan.dialects import Dialect
from export_pipelines.plan.dialects.dialect import Expression
from export_pipelines.plan.query.predicate import Predicate
from export_pipelines.plan.query.query import Plain, Query, Reference
from export_pipelines.plan.query.tables import Tables
from export_pipelines.plan.request import PlanRequest

PLACE = "stream"  # of the references whose values come with each read
# what is quoted is no place of a parameter
PLACES = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\$(\d+)|(\?)""")
Value = Plain | tuple[Plain, ...]


def new_rows(request: PlanRequest, tables: Tables) -> Iterator[Predicate]:
    """What the horizon's condition demands of a row; nothing for an export with an end."""
    if request.new_rows is not None:
        expression = request.new_rows.expression(tables)
        yield Predicate("new since the last read", expression, ((PLACE, expression),))


def values_in(expression: Expression, dialect: Dialect) -> tuple[Plain, ...]:
    """The values of the expression's bound parameters, in the order in which a query asks for them."""
    return dialect.compile(select(literal_column("1")).where(expression)).parameters


def with_values(query: Query, values: Sequence[Value]) -> Query:
    """The query with the values of one read in the places of its condition, in their order. A tuple stands in brackets, and
    its place becomes as many as it has values, which are never none."""

    def bound(parameter: Plain | Reference) -> tuple[Plain | Reference, ...]:
        if not isinstance(parameter, Reference) or parameter.place != PLACE:
            return (parameter,)
        value = values[parameter.number]
        return value if isinstance(value, tuple) else (value,)

    groups = [bound(parameter) for parameter in query.parameters]
    changes = {
        "parameters": tuple(parameter for group in groups for parameter in group),
        "sql": _spread(query.sql, groups),
        "count_sql": _spread(query.count_sql, groups),
        "suspects": query.suspects and with_values(query.suspects, values),
    }
    return query.model_copy(update=changes)


def _spread(sql: str, groups: Sequence[tuple[Plain | Reference, ...]]) -> str:
    """The SQL with a place for each value of each parameter."""
    sizes = [len(group) for group in groups]
    if set(sizes) <= {1}:
        return sql
    starts, in_order = [0, *accumulate(sizes)], iter(sizes)

    def place(match: re.Match[str]) -> str:
        if match[1]:
            number = int(match[1]) - 1
            return ", ".join(f"${starts[number] + n + 1}" for n in range(sizes[number]))
        return ", ".join("?" * next(in_order)) if match[2] else match[0]

    return PLACES.sub(place, sql)
