"""The SELECT of a plan and its count: only the columns that the output needs, only the joins that they name."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import CompoundSelect, Select, Text, case, cast, or_, select
from sqlalchemy.sql import quoted_name, visitors
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import and_ as and_op

from export_pipelines.catalog import Field, Kind
from export_pipelines.errors import RequestError
from export_pipelines.plan.dialects import FUNCTIONS, NotPushable, Sqlite
from export_pipelines.plan.dialects.dialect import NO, YES, Compiled, Expression
from export_pipelines.plan.query.predicate import Predicate
from export_pipelines.plan.query.predicates import predicates_of
from export_pipelines.plan.query.query import (
    Groups,
    Mixed,
    Plain,
    Query,
    Reference,
    ResidualFilter,
    SourceColumn,
)
from export_pipelines.plan.query.ranges import range_key
from export_pipelines.plan.query.rows import rows_of
from export_pipelines.plan.query.scope import count_limited, limited, row_limit
from export_pipelines.plan.query.staging import NUMBER, StagingTable
from export_pipelines.plan.query.tables import Tables
from export_pipelines.plan.request import PlanRequest
from export_pipelines.plan.window import WHOLE_KEY

Statement = Select[Any] | CompoundSelect[Any]
ORDER_BY = " ORDER BY "
MAX_PARAMETERS = 30_000  # SQLite takes 32,766, PostgreSQL 65,535


def build_query(
    request: PlanRequest,
    fields: Iterable[Field],
    beside: Iterable[Field] = (),
    repeating: Mapping[str, Sequence[Field]] = MappingProxyType({}),
) -> Query:
    """The query that reads `fields` of the rows that the window and the filter leave, in the dataset's order. What is read
    `beside` them, stored columns only, is no part of what the rows say; nor are the columns of `repeating`, by their names:
    the JSON around these fields, in rows where a key on the way to one may stand twice."""
    fields, beside = tuple(fields), tuple(beside)
    tables = Tables(request.dataset, request.sql, request.age_day)
    staging = StagingTable(tables, request.bad_json_is_null)
    asked = predicates_of(request, tables, lambda: staging)
    # in brackets where it has several sides, so that the conditions of a range can follow
    where = [predicate.expression.self_group(against=and_op) for predicate in asked.pushed]
    kept = [predicate.expression for predicate in asked.residual]
    outputs, texts = _outputs((*fields, *beside), tables, staging)
    _add_repeating(repeating, tables, staging, outputs, texts)
    fetched = staging.fetched([*texts.values(), *kept])
    order = [key for keys in _order(request, tables).values() for key in keys]
    rows = rows_of(request, tables, request.order, fields)
    outputs += [fetched_column.expression for fetched_column in fetched]
    selected = tables.source([*outputs, *where, *order])
    statement: Select[Any] = select(*outputs).select_from(selected).where(*where).order_by(*order)
    limit = row_limit(request)
    here = None if kept else limit  # rows that are asked afterwards are cut off after that
    statement = limited(statement, here)
    count = count_limited(tables.source(where), where, here)
    columns = (
        *map(_source_column, (*fields, *beside)),
        *(SourceColumn(name=name, kind=Kind.TEXT, type="text") for name in repeating),
    )
    query = query_of(request, statement, count, asked.pushed, columns)
    marked = [field.id for field in fields if field.id in texts or tables.dialect.marks_bad_json(field)]
    mixed = _mixed(request, tables, statement)
    key = (
        range_key(request, tables, where, tables.source([*where, *order]), selected) if here is None else None
    )
    query = query.model_copy(
        update={"marked": tuple(marked), "mixed": mixed, "rows": rows, "limit": limit, "range_key": key}
    )
    if not kept and not texts:
        return query
    staying = select(staging.base.c[NUMBER], *texts.values()).where(*kept)
    residual = residual_of(
        request, staying, asked.residual, [fetched_column.column for fetched_column in fetched]
    )
    changes = {"sql_names": tuple(texts), "asks": bool(kept)}
    return query.model_copy(update={"residual": residual.model_copy(update=changes)})


def _outputs(
    fields: Iterable[Field], tables: Tables, staging: StagingTable
) -> tuple[list[Expression], dict[str, Expression]]:
    """What the SELECT gives, and by their ids the fields that are computed only in the staging table, as text."""
    outputs: list[Expression] = []
    texts: dict[str, Expression] = {}
    for field in fields:
        name = quoted_name(field.id, quote=True)
        try:
            outputs.append(tables.dialect.output(field, tables.column(field)).label(name))
        except NotPushable:
            moved = staging.field(field.id)
            texts[field.id] = cast(staging.dialect.output(moved, staging.column(moved)), Text).label(name)
    return outputs, texts


def _add_repeating(
    repeating: Mapping[str, Sequence[Field]],
    tables: Tables,
    staging: StagingTable,
    outputs: list[Expression],
    texts: dict[str, Expression],
) -> None:
    for id, fields in repeating.items():
        name = quoted_name(id, quote=True)
        try:
            outputs.append(tables.dialect.repeating(fields, tables.column(fields[0])).label(name))
        except NotPushable:
            moved = [staging.field(field.id) for field in fields]
            texts[id] = staging.dialect.repeating(moved, staging.column(moved[0])).label(name)


def _source_column(field: Field) -> SourceColumn:
    return SourceColumn(
        name=field.id,
        kind=field.kind,
        scale=field.decimal_scale,
        type=field.type,
        stored_as=field.stored_as,
        in_json=field.path is not None,
    )


def _order(request: PlanRequest, tables: Tables) -> dict[str, list[Expression]]:
    """By field what sorts the rows. The dataset's own order is of fields that are never null; in front of it nulls come
    first, on every database."""
    columns = {id: tables.column(tables.field(id)) for id in request.order}
    nulls = {
        id: [] if id in request.dataset.order else [case((expression.is_(None), NO), else_=YES)]
        for id, expression in columns.items()
    }
    return {id: [*nulls[id], expression] for id, expression in columns.items()}


def _mixed(request: PlanRequest, tables: Tables, statement: Select[Any]) -> Mixed | None:
    """What becomes of the order where times are texts."""
    dialect = tables.dialect
    times = [id for id in request.order if dialect.may_hold_no_time(tables.field(id))]
    if not times:
        return None
    columns = {id: tables.column(tables.field(id)) for id in times}
    mixed = or_(*(dialect.is_mixed(column) for column in columns.values()))
    asked = select(mixed).select_from(tables.source(columns.values()))
    if request.window.key != WHOLE_KEY and request.dataset.window in columns:
        near = dialect.around(columns[request.dataset.window], request.window.start, request.window.end)
        asked = asked.where(near)
    asks = dialect.compile(asked)
    keys = {
        id: [*order[:-1], *dialect.moment_order(columns[id])] if id in times else order
        for id, order in _order(request, tables).items()
    }
    rows = dialect.compile(
        statement.order_by(None).order_by(*(key for order in keys.values() for key in order))
    )
    return Mixed(asks=asks.sql, parameters=asks.parameters, order=rows.sql.rpartition(ORDER_BY)[2])


def query_of(
    request: PlanRequest,
    statement: Statement,
    count: Select[Any],
    predicates: Iterable[Predicate],
    columns: tuple[SourceColumn, ...],
) -> Query:
    """The compiled statement and its count. Raises RequestError for more values than a query may hold."""
    dialect = request.sql
    rows, number = dialect.compile(statement), dialect.compile(count)
    if rows.parameters != number.parameters:
        raise AssertionError("rows and their count must be asked with the same parameters")
    _require_room(request, rows)
    return Query(
        bad_json_is_null=request.bad_json_is_null,
        sql=rows.sql,
        count_sql=number.sql,
        parameters=_parameters(predicates, rows),
        columns=columns,
        functions=_functions(statement),
    )


def residual_of(
    request: PlanRequest,
    statement: Statement,
    predicates: Iterable[Predicate],
    columns: Iterable[SourceColumn],
    groups: Groups | None = None,
) -> ResidualFilter:
    """The query over the rows in the staging table. Raises RequestError for more values than a query may hold."""
    asked = Sqlite().compile(statement)
    _require_room(request, asked)
    return ResidualFilter(
        sql=asked.sql,
        parameters=_parameters(predicates, asked),
        columns=tuple(columns),
        groups=groups,
    )


def _require_room(request: PlanRequest, compiled: Compiled) -> None:
    if len(compiled.parameters) > MAX_PARAMETERS:
        raise RequestError(
            f"the filter holds {len(compiled.parameters):,} values, more than the {MAX_PARAMETERS:,} a query may",
            where=request.definition.at("filter"),
            remedy="split the list over several exports",
        )


def _parameters(predicates: Iterable[Predicate], compiled: Compiled) -> tuple[Plain | Reference, ...]:
    """The parameters, with a reference in the place of each that stands in a private expression."""
    places = {
        part: place
        for predicate in predicates
        for place, expression in predicate.private
        for part in visitors.iterate(expression)
    }
    numbers = Counter[str]()
    parameters: list[Plain | Reference] = []
    for bind, value in zip(compiled.binds, compiled.parameters, strict=True):
        place = places.get(bind)
        if place is None or value is None:
            parameters.append(value)
            continue
        parameters.append(Reference(place=place, number=numbers[place], value=value))
        numbers[place] += 1
    return tuple(parameters)


def _functions(statement: object) -> tuple[str, ...]:
    called = {part.name for part in visitors.iterate(statement) if isinstance(part, FunctionElement)}  # type: ignore[arg-type]
    return tuple(sorted(called & FUNCTIONS))
