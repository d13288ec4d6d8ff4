"""The SQL of a report: rows with their keys and what is measured, grouped; totals as a second SELECT over the same rows."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Text,
    and_,
    case,
    cast,
    column,
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

from export_pipelines.catalog import Component, Field, Kind
from export_pipelines.catalog.dimensions import BUCKETS, WEEKDAY, Dimension, dimensions_of
from export_pipelines.catalog.metrics import KINDS, MEASURES, METRICS, How, Measure, Where
from export_pipelines.plan.dialects import NotPushable, dialect_of
from export_pipelines.plan.dialects.dialect import Expression
from export_pipelines.plan.plan import Query, Report, SourceColumn
from export_pipelines.plan.predicates import predicates_of
from export_pipelines.plan.query import Statement, query_of, rest_of
from export_pipelines.plan.request import PlanRequest
from export_pipelines.plan.scratch import Scratch
from export_pipelines.plan.tables import Tables

TOTAL, MISFITS = "is_total", "misfits"
DUPLICATE_WORD = "duplicate"
Build = Callable[[Tables], Expression]
YES: Expression = literal_column("1")
NO: Expression = literal_column("0")


def report_query(report: Report, request: PlanRequest) -> Query:
    """A row for each group: keys, whether it is the total, amounts that are none, then the measures. In no order."""
    keys = [dimensions_of(request.dataset)[id] for id in report.keys]
    measures = measures_of(report)
    tables = Tables(request.dataset, dialect_of(request.dialect))
    scratch = Scratch(tables)
    asked = predicates_of(request, tables, scratch)
    pushed, kept = _values(request, keys, measures.values(), tables, scratch)
    where = [one.expression for one in asked.pushed]
    columns = _columns(keys, measures)
    if not kept and not asked.afterwards:
        rows = _rows(pushed, tables.source([*pushed.values(), *where]), where)
        statement = _groups(report, rows, keys, measures, tables)
        return query_of(request, statement, _count(statement), asked.pushed, columns)

    fetched = scratch.fetched([*kept.values(), *(one.expression for one in asked.afterwards)])
    texts = [cast(value, Text).label(name) for name, value in pushed.items()]
    read = [*texts, *(one.expression for one in fetched)]
    raw = select(*read).select_from(tables.source([*read, *where])).where(*where)
    there = {name: column(name) for name in pushed} | kept
    rows = _rows(there, scratch.base, [one.expression for one in asked.afterwards])
    statement = _groups(report, rows, keys, measures, scratch)
    held = [SourceColumn(name=name, kind=_kind(name, keys, request), type="text") for name in pushed]
    rest = rest_of(
        request, statement, asked.afterwards, [*held, *(one.column for one in fetched)], groups=True
    )
    return query_of(request, raw, _count(raw), asked.pushed, columns).model_copy(update={"rest": rest})


def _count(statement: Statement) -> Select[Any]:
    return select(func.count()).select_from(statement.subquery())


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


def _rows(values: dict[str, Expression], source: FromClause, where: list[Expression]) -> CTE:
    """One row for each row of the source: keys as `key_<n>`, fields by their ids, flags by their names."""
    columns = [value.label(name) for name, value in values.items()]
    return select(*columns).select_from(source).where(*where).cte("measured")


def _values(
    request: PlanRequest, keys: list[Dimension], measures: Iterable[Measure], tables: Tables, scratch: Scratch
) -> tuple[dict[str, Expression], dict[str, Expression]]:
    """What the rows of `_rows` hold: as the source's database tells it, and as `scratch` does where that cannot."""
    pushed: dict[str, Expression] = {}
    kept: dict[str, Expression] = {}
    for name, build in _builders(request, keys, _needed(measures)):
        try:
            pushed[name] = build(tables)
        except NotPushable:
            kept[name] = build(scratch)
    return pushed, kept


def _builders(request: PlanRequest, keys: list[Dimension], needed: list[str]) -> Iterator[tuple[str, Build]]:
    for n, key in enumerate(keys):
        yield f"key_{n}", partial(_key, key)
    for name in needed:
        yield name, partial(_flag, request, name) if name in FLAGS else partial(_field, name)
    amounts = [name for name in needed if name not in FLAGS and _is_amount(request.dataset.find(name))]
    amounts += [key.of.id for key in keys if key.of is not None and _is_amount(key.of)]
    yield MISFITS, partial(_misfit, amounts)


def _kind(name: str, keys: list[Dimension], request: PlanRequest) -> Kind:
    """What the scratch table holds under `name`: whole numbers are summed there, all else is text."""
    if name in (*FLAGS, MISFITS):
        return Kind.INTEGER
    key = dict(zip((f"key_{n}" for n in range(len(keys))), keys, strict=True)).get(name)
    kind = key.kind if key else request.dataset.find(name).kind
    return Kind.INTEGER if kind in (Kind.INTEGER, Kind.DECIMAL) else Kind.TEXT


def _is_amount(one: Field | Component) -> bool:
    return one.kind is Kind.DECIMAL


def _field(id: str, tables: Tables) -> Expression:
    operand = tables.operand(tables.dataset.find(id))
    return tables.dialect.cents(operand.value) if operand.kind is Kind.DECIMAL else operand.value


def _flag(request: PlanRequest, name: str, tables: Tables) -> Expression:
    return case((FLAGS[name](request, tables), YES), else_=NO)


def _needed(measures: Iterable[Measure]) -> list[str]:
    names = [name for one in measures for name in (*([one.field] if one.field else []), *dict(one.where))]
    return list(dict.fromkeys(names))


def _misfit(amounts: Iterable[str], tables: Tables) -> Expression:
    values = [tables.operand(tables.dataset.find(id)).value for id in amounts]
    wrong = [and_(value.is_not(None), ~tables.dialect.is_cents(value)) for value in values]
    return case((or_(*wrong), YES), else_=NO) if wrong else NO


def _key(key: Dimension, tables: Tables) -> Expression:
    if key.of is not None:
        return _field(key.of.id, tables)
    field = tables.dataset.find(tables.dataset.window)
    assert isinstance(field, Field)  # a window is a timestamp
    time = tables.operand(field).value
    if key.id == WEEKDAY:
        return (cast(tables.dialect.weekday(time, field.stored_as), Integer) + 6) % 7 + 1
    (bucket,) = (one for one in BUCKETS if one == key.id)
    return tables.dialect.bucket(time, field.stored_as, bucket)


def _groups(
    report: Report, rows: CTE, keys: list[Dimension], measures: dict[str, Measure], tables: Tables
) -> Statement:
    groups = _grouped(report, rows, keys, measures, tables, total=False)
    if not report.totals:
        return groups
    return union_all(groups, _grouped(report, rows, keys, measures, tables, total=True))


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
        value = rows.c[f"key_{n}"]
        shown.append(cast(value if kept else null(), Text).label(quoted_name(key.id, quote=True)))
        groups += [value] if kept else []
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
