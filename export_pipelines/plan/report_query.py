"""The SQL of a report: rows with their keys and what is measured, grouped; totals as a second SELECT over the same rows."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    case,
    cast,
    distinct,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    tuple_,
    union_all,
)  # fmt: skip
from sqlalchemy.sql import quoted_name

from export_pipelines.catalog import Field, Kind
from export_pipelines.catalog.dimensions import BUCKETS, WEEKDAY, Dimension, dimensions_of
from export_pipelines.catalog.metrics import KINDS, MEASURES, METRICS, How, Measure, Where
from export_pipelines.plan.dialects import dialect_of
from export_pipelines.plan.dialects.dialect import Expression
from export_pipelines.plan.plan import Query, Report, SourceColumn
from export_pipelines.plan.predicates import predicates_of
from export_pipelines.plan.query import query_of
from export_pipelines.plan.request import PlanRequest
from export_pipelines.plan.tables import Tables

TOTAL, MISFITS = "is_total", "misfits"
DUPLICATE_WORD = "duplicate"
YES: Expression = literal_column("1")
NO: Expression = literal_column("0")


def report_query(report: Report, request: PlanRequest) -> Query:
    """A row for each group: keys, whether it is the total, amounts that are none, then the measures. In no order."""
    keys = [dimensions_of(request.dataset)[id] for id in report.keys]
    measures = measures_of(report)
    tables = Tables(request.dataset, dialect_of(request.dialect))
    predicates = predicates_of(request, tables)
    rows = _rows(request, tables, keys, measures.values(), [one.expression for one in predicates]).cte(
        "measured"
    )
    statement: Any = _grouped(report, rows, keys, measures, tables, total=False)
    if report.totals:
        statement = union_all(statement, _grouped(report, rows, keys, measures, tables, total=True))
    return query_of(
        request,
        statement,
        select(func.count()).select_from(statement.subquery()),
        predicates,
        _columns(keys, measures),
    )


def measures_of(report: Report) -> dict[str, Measure]:
    """The measures that the metrics of the report are made of."""
    there = MEASURES[report.over]
    names = (name for id in report.metrics if id not in report.missing for name in METRICS[id].measures)
    return {name: there[name] for name in dict.fromkeys(names)}


def _columns(keys: Iterable[Dimension], measures: dict[str, Measure]) -> tuple[SourceColumn, ...]:
    # an amount is grouped in cents: 25.0 and 25.00 are one group
    kinds = {key.id: Kind.INTEGER if key.kind is Kind.DECIMAL else key.kind for key in keys}
    kinds |= {TOTAL: Kind.BOOLEAN, MISFITS: Kind.INTEGER}
    kinds |= {name: Kind.TEXT if one.how is How.VALUES else Kind.INTEGER for name, one in measures.items()}
    return tuple(SourceColumn(name=name, kind=kind, type=str(kind)) for name, kind in kinds.items())


def _rows(
    request: PlanRequest,
    tables: Tables,
    keys: list[Dimension],
    measures: Iterable[Measure],
    where: list[Expression],
) -> Select[Any]:
    """One row for each row of the source: keys as `key_<n>`, fields by their ids, flags by their names."""
    columns: list[ColumnElement[Any]] = [
        _key(key, request, tables).label(f"key_{n}") for n, key in enumerate(keys)
    ]
    amounts: list[Expression] = []
    for name in _needed(measures):
        if name in FLAGS:
            columns.append(case((FLAGS[name](request, tables), YES), else_=NO).label(name))
            continue
        operand = tables.operand(request.dataset.find(name))
        value = operand.value
        if operand.kind is Kind.DECIMAL:
            amounts.append(value)
            value = tables.dialect.cents(value)
        columns.append(value.label(name))
    amounts += [
        tables.operand(key.of).value for key in keys if key.of is not None and key.kind is Kind.DECIMAL
    ]
    columns.append(_misfit(amounts, tables).label(MISFITS))
    return select(*columns).select_from(tables.source([*columns, *where])).where(*where)


def _needed(measures: Iterable[Measure]) -> list[str]:
    names = [name for one in measures for name in (*([one.field] if one.field else []), *dict(one.where))]
    return list(dict.fromkeys(names))


def _misfit(amounts: Iterable[Expression], tables: Tables) -> Expression:
    wrong = [and_(value.is_not(None), ~tables.dialect.is_cents(value)) for value in amounts]
    return case((or_(*wrong), YES), else_=NO) if wrong else NO


def _key(key: Dimension, request: PlanRequest, tables: Tables) -> Expression:
    if key.of is not None:
        value = tables.operand(key.of).value
        return tables.dialect.cents(value) if key.kind is Kind.DECIMAL else value
    field = request.dataset.find(request.dataset.window)
    assert isinstance(field, Field)  # a window is a timestamp
    time = tables.operand(field).value
    if key.id == WEEKDAY:
        return (cast(tables.dialect.weekday(time, field.stored_as), Integer) + 6) % 7 + 1
    (bucket,) = (one for one in BUCKETS if one == key.id)
    return tables.dialect.bucket(time, field.stored_as, bucket)


def _grouped(
    report: Report,
    rows: CTE,
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
        column = rows.c[f"key_{n}"]
        shown.append(cast(column if kept else null(), Text).label(quoted_name(key.id, quote=True)))
        groups += [column] if kept else []
    shown.append(cast(YES if total else NO, Text).label(TOTAL))
    shown.append(cast(_sum(rows.c[MISFITS]), Text).label(MISFITS))
    shown += [cast(_measured(rows, one, tables), Text).label(name) for name, one in measures.items()]
    return select(*shown).select_from(rows).group_by(*groups)


def _measured(rows: CTE, measure: Measure, tables: Tables) -> Expression:
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


def _holds(rows: CTE, name: str, values: tuple[str, ...]) -> Expression:
    if name in FLAGS:
        return rows.c[name] == YES
    return rows.c[name].in_([literal(value) for value in values])


def _won(request: PlanRequest, tables: Tables) -> Expression:
    """The lead's source event succeeded, whenever it was."""
    found = _others(request, "lead_id", where=(*KINDS["source"], ("outcome", ("success",))))
    return tables.operand(request.dataset.find("lead_id")).value.in_(found)


def _returned(request: PlanRequest, tables: Tables) -> Expression:
    """This recipient returned the lead, whenever it did."""
    ids = ("lead_id", "recipient.id")
    found = _others(request, *ids, where=(*KINDS["return_received"], ("outcome", ("success",))))
    return tuple_(*(tables.operand(request.dataset.find(id)).value for id in ids)).in_(found)


def _duplicate(request: PlanRequest, tables: Tables) -> Expression:
    return tables.dialect.contains(tables.operand(request.dataset.find("reason")).value, DUPLICATE_WORD)


def _others(request: PlanRequest, *ids: str, where: Where) -> Select[Any]:
    """A column or two of all rows of the dataset for which `where` holds."""
    tables = Tables(request.dataset, dialect_of(request.dialect))
    columns = [tables.operand(request.dataset.find(id)).value for id in ids]
    holds = [
        tables.operand(request.dataset.find(name)).value.in_([literal(value) for value in values])
        for name, values in where
    ]
    return select(*columns).select_from(tables.source([*columns, *holds])).where(*holds)


FLAGS = {"won": _won, "returned": _returned, "duplicate": _duplicate}
