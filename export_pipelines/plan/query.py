"""The SELECT of a plan and its count: only the columns that the output needs, only the joins that they name."""

from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.sql import quoted_name, visitors
from sqlalchemy.sql.functions import FunctionElement

from export_pipelines.catalog import Field
from export_pipelines.errors import RequestError
from export_pipelines.plan.dialects import FUNCTIONS, dialect_of
from export_pipelines.plan.plan import Query, SourceColumn
from export_pipelines.plan.predicates import predicates_of
from export_pipelines.plan.request import PlanRequest
from export_pipelines.plan.tables import Tables

MAX_PARAMETERS = 30_000  # SQLite takes 32,766, PostgreSQL 65,535


def build_query(request: PlanRequest, fields: Iterable[Field]) -> Query:
    """The query that reads `fields` of the rows that the window and the filter leave, in the dataset's order."""
    dialect, fields = dialect_of(request.dialect), tuple(fields)
    tables = Tables(request.dataset, dialect)
    where = [one.expression for one in predicates_of(request, tables)]
    order = [tables.operand(request.dataset.find(id)).value for id in request.dataset.order]
    outputs = [
        dialect.output(field, tables.column(field)).label(quoted_name(field.id, quote=True))
        for field in fields
    ]
    statement = (
        select(*outputs).select_from(tables.source([*outputs, *where, *order])).where(*where).order_by(*order)
    )
    count = select(func.count()).select_from(tables.source(where)).where(*where)
    sql, parameters = dialect.compile(statement)
    count_sql, count_parameters = dialect.compile(count)
    if tuple(parameters) != tuple(count_parameters):
        raise AssertionError("rows and their count must be asked with the same parameters")
    if len(parameters) > MAX_PARAMETERS:
        raise RequestError(
            f"the filter holds {len(parameters):,} values, more than the {MAX_PARAMETERS:,} a query may",
            where=request.definition.at("filter"),
            remedy="split the list over several exports",
        )
    return Query(
        sql=sql,
        count_sql=count_sql,
        parameters=tuple(parameters),
        columns=tuple(
            SourceColumn(
                name=field.id,
                kind=field.kind,
                scale=field.decimal_scale,
                type=field.type,
                stored_as=field.stored_as,
            )
            for field in fields
        ),
        functions=_functions(statement),
    )


def _functions(statement: object) -> tuple[str, ...]:
    called = {part.name for part in visitors.iterate(statement) if isinstance(part, FunctionElement)}  # type: ignore[arg-type]
    return tuple(sorted(called & FUNCTIONS))
