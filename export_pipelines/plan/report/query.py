"""The SQL of a report: rows with their keys and what is measured, grouped; totals as a second SELECT over the same rows."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    case,
    cast,
    column,
    distinct,
    func,
    literal,
    null,
    select,
    table,
    union_all,
)
from sqlalchemy.sql import quoted_name

from export_pipelines.catalog import Kind
from export_pipelines.catalog.dimensions import Dimension, dimensions_of
from export_pipelines.catalog.metrics import MEASURES, METRICS, How, Measure
from export_pipelines.plan.dialects.dialect import NO, YES, Expression
from export_pipelines.plan.plan import Report
from export_pipelines.plan.query.predicates import predicates_of
from export_pipelines.plan.query.query import Groups, Query, SourceColumn
from export_pipelines.plan.query.rows import rows_of
from export_pipelines.plan.query.select import Statement, query_of, residual_of
from export_pipelines.plan.query.staging import StagingTable
from export_pipelines.plan.query.tables import Tables
from export_pipelines.plan.report.rows import FLAGS, MISFIT, MISFITS, kind_of, row_values
from export_pipelines.plan.request import PlanRequest

TOTAL, MEASURED = "is_total", "measured"
GROUP_SIZE = "group_size"  # leads of a group, where small ones are not told


def report_query(report: Report, request: PlanRequest) -> Query:
    """A row for each group: keys, whether it is the total, amounts that are none, then the measures. In no order.

    Where the database cannot tell a key or be asked a rule, it gives the rows, and they are grouped afterwards.
    """
    keys = [dimensions_of(request.dataset)[id] for id in report.keys]
    measures = measures_of(report)
    tables = Tables(request.dataset, request.sql, request.age_day)
    staging = StagingTable(tables, request.bad_json_is_null)
    asked = predicates_of(request, tables, lambda: staging)
    selected, kept = row_values(request, keys, measures.values(), tables, staging)
    where = [predicate.expression for predicate in asked.pushed]
    columns = _columns(keys, measures)
    if tables.dialect.groups and not kept and not asked.residual:
        rows = _rows(selected, tables.source([*selected.values(), *where]), where)
        statement = _groups(report, rows.cte(MEASURED), keys, measures, tables)
        query = query_of(request, statement, _count(statement), asked.pushed, columns)
        return query.model_copy(update={"rows": rows_of(request, tables)})

    kept_where = [predicate.expression for predicate in asked.residual]
    fetched = staging.fetched([*kept.values(), *kept_where])
    outputs: list[ColumnElement[Any]] = [
        (cast(value, Text) if tables.dialect.groups else value).label(name)
        for name, value in selected.items()
    ]
    outputs += [fetched_column.expression for fetched_column in fetched]
    raw: Select[Any] = select(*outputs).select_from(tables.source([*outputs, *where])).where(*where)
    source_columns = [
        SourceColumn(name=name, kind=kind_of(name, keys, request), type="text") for name in selected
    ]
    source_columns += [fetched_column.column for fetched_column in fetched]
    values: dict[str, Expression] = {name: column(name) for name in selected}
    values |= kept
    measured = table(MEASURED, *(column(name) for name in values))
    asked_once = staging.dialect.compile(_groups(report, measured, keys, measures, staging))
    groups = Groups(sql=asked_once.sql, parameters=asked_once.parameters, columns=tuple(values))
    residual = residual_of(
        request, _rows(values, staging.base, kept_where), asked.residual, source_columns, groups
    )
    query = query_of(request, raw, _count(raw), asked.pushed, columns)
    return query.model_copy(update={"residual": residual, "rows": rows_of(request, tables)})


def _count(statement: Statement) -> Select[Any]:
    return select(func.count()).select_from(statement.subquery())


def measures_of(report: Report) -> dict[str, Measure]:
    """The measures that the metrics of the report are made of, and the size of groups where small ones are not told."""
    measures = MEASURES[report.over]
    names = (name for id in report.metrics if id not in report.missing for name in METRICS[id].measures)
    chosen = {name: measures[name] for name in dict.fromkeys(names)}
    return chosen | ({GROUP_SIZE: Measure(How.DISTINCT, "lead_id")} if report.min_group else {})


def _columns(keys: Iterable[Dimension], measures: dict[str, Measure]) -> tuple[SourceColumn, ...]:
    # an amount is grouped in cents: 25.0 and 25.00 are one group
    kinds = {key.id: Kind.INTEGER if key.kind is Kind.DECIMAL else key.kind for key in keys}
    kinds |= {TOTAL: Kind.BOOLEAN, MISFITS: Kind.INTEGER, MISFIT: Kind.TEXT}
    kinds |= {
        name: Kind.TEXT if measure.how is How.VALUES else Kind.INTEGER for name, measure in measures.items()
    }
    return tuple(SourceColumn(name=name, kind=kind, type=str(kind)) for name, kind in kinds.items())


def _rows(values: Mapping[str, Expression], source: FromClause, where: list[Expression]) -> Select[Any]:
    """One row for each row of the source."""
    columns = [value.label(name) for name, value in values.items()]
    return select(*columns).select_from(source).where(*where)


def _groups(
    report: Report, rows: FromClause, keys: list[Dimension], measures: dict[str, Measure], tables: Tables
) -> Statement:
    groups = _grouped(report, rows, keys, measures, tables, total=False)
    if not report.totals:
        return groups
    return union_all(groups, _grouped(report, rows, keys, measures, tables, total=True))


def _grouped(
    report: Report,
    rows: FromClause,
    keys: list[Dimension],
    measures: dict[str, Measure],
    tables: Tables,
    total: bool,
) -> Select[Any]:
    """The groups; or, as the `total`, everything, and with a pivot everything for each of its values."""
    shown: list[ColumnElement[Any]] = []
    groups = []
    for n, key in enumerate(keys):
        kept = not total or key.id == report.pivot
        value = rows.c[f"key_{n}"]
        shown.append(cast(value if kept else null(), Text).label(quoted_name(key.id, quote=True)))
        groups += [value] if kept else []
    shown.append(cast(YES if total else NO, Text).label(TOTAL))
    shown.append(cast(func.count(rows.c[MISFITS]), Text).label(MISFITS))
    shown.append(cast(func.min(rows.c[MISFITS]), Text).label(MISFIT))
    shown += [cast(_measured(rows, measure, tables), Text).label(name) for name, measure in measures.items()]
    return select(*shown).select_from(rows).group_by(*groups)


def _measured(rows: FromClause, measure: Measure, tables: Tables) -> Expression:
    holds = [_holds(rows, name, values) for name, values in measure.where]
    value: Expression = YES if measure.field is None else rows.c[measure.field]
    if holds:
        value = case((and_(*holds), value))
    match measure.how:
        case How.COUNT:
            return func.count(value)
        case How.DISTINCT:
            return func.count(distinct(value))
        case How.SUM:
            return _sum(value)
        case How.MAX:
            return func.max(value)
        case How.VALUES:
            return tables.dialect.collected(value)


def _sum(value: Expression) -> Expression:
    return cast(func.coalesce(func.sum(value), NO), BigInteger)


def _holds(rows: FromClause, name: str, values: tuple[str, ...]) -> Expression:
    if name in FLAGS:
        return rows.c[name] == YES
    return rows.c[name].in_([literal(value) for value in values])
