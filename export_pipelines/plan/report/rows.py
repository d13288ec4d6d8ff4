"""What a report needs of each row: its keys, fields, flags and amounts, each told by the database or afterwards."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from sqlalchemy import Integer, Select, and_, case, cast, literal, null, or_, select, tuple_

from export_pipelines.catalog import Field, Kind
from export_pipelines.catalog.dimensions import BUCKETS, WEEKDAY, Dimension
from export_pipelines.catalog.metrics import KINDS, Measure, Where
from export_pipelines.plan.dialects import NotPushable
from export_pipelines.plan.dialects.dialect import NO, YES, Expression
from export_pipelines.plan.query.staging import StagingTable
from export_pipelines.plan.query.tables import Tables
from export_pipelines.plan.request import PlanRequest

MISFITS, MISFIT = "misfits", "misfit"  # how many rows are none, and the id of one
DUPLICATE_WORD = "duplicate"
Build = Callable[[Tables], Expression]


def row_values(
    request: PlanRequest,
    keys: list[Dimension],
    measures: Iterable[Measure],
    tables: Tables,
    staging: StagingTable,
) -> tuple[dict[str, Expression], dict[str, Expression]]:
    """Keys as `key_<n>`, fields by their ids, flags by their names: as the source's database tells them, and in `staging`
    where it cannot."""
    pushed: dict[str, Expression] = {}
    kept: dict[str, Expression] = {}
    for name, build in _builders(request, keys, needed(measures)):
        try:
            if not tables.dialect.groups and name not in (*FLAGS, MISFITS):
                raise NotPushable("the groups are made afterwards, of stored values")
            pushed[name] = build(tables)
        except NotPushable:
            kept[name] = build(staging)
    return pushed, kept


def kind_of(name: str, keys: list[Dimension], request: PlanRequest) -> Kind:
    """What the scratch table holds under `name`: whole numbers are summed there, all else is text."""
    if name == MISFITS:
        return Kind.TEXT
    if name in FLAGS:
        return Kind.INTEGER
    key = dict(zip((f"key_{n}" for n in range(len(keys))), keys, strict=True)).get(name)
    kind = key.kind if key else request.dataset.find(name).kind
    return Kind.INTEGER if kind in (Kind.INTEGER, Kind.DECIMAL) else Kind.TEXT


def _builders(request: PlanRequest, keys: list[Dimension], names: list[str]) -> Iterator[tuple[str, Build]]:
    for n, key in enumerate(keys):
        yield f"key_{n}", partial(_key, key)
    for name in names:
        yield name, partial(_flag, request, name) if name in FLAGS else partial(_field, name)
    read = [name for name in names if name not in FLAGS] + [key.of.id for key in keys if key.of is not None]
    yield MISFITS, partial(_misfit, list(dict.fromkeys(read)))


def needed(measures: Iterable[Measure]) -> list[str]:
    """The ids of the fields, and the flags, that measures read."""
    names = [
        name
        for measure in measures
        for name in (*([measure.field] if measure.field else []), *dict(measure.where))
    ]
    return list(dict.fromkeys(names))


def _key(key: Dimension, tables: Tables) -> Expression:
    if key.of is not None:
        return _field(key.of.id, tables)
    field = tables.dataset.find(tables.dataset.window)
    assert isinstance(field, Field)  # a window is a timestamp
    time = tables.operand(field).value
    if key.id == WEEKDAY:
        return (cast(tables.dialect.weekday(time, field.stored_as), Integer) + 6) % 7 + 1
    (bucket,) = (name for name in BUCKETS if name == key.id)
    return tables.dialect.bucket(time, field.stored_as, bucket)


def _field(id: str, tables: Tables) -> Expression:
    operand = tables.operand(tables.dataset.find(id))
    return tables.dialect.cents(operand.value) if operand.kind is Kind.DECIMAL else operand.value


def _misfit(read: Iterable[str], tables: Tables) -> Expression:
    wrong = []
    for operand in (tables.operand(tables.dataset.find(id)) for id in read):
        if operand.kind is Kind.DECIMAL:
            wrong.append(and_(operand.value.is_not(None), ~tables.dialect.is_cents(operand.value)))
        elif operand.kind is Kind.INTEGER and not operand.is_component:
            fits = tables.dialect.is_integer(operand.field, operand.value)
            wrong += [] if fits is None else [and_(operand.value.is_not(None), ~fits)]
    window = tables.dataset.find(tables.dataset.window)
    if isinstance(window, Field) and tables.dialect.may_hold_no_time(window):
        time = tables.operand(window).value
        read = tables.dialect.instant_value(time, window.stored_as)
        wrong.append(and_(time.is_not(None), read.is_(None)))
    row = tables.operand(tables.dataset.find(tables.dataset.row_id)).value
    return case((or_(*wrong), row)) if wrong else null()


def _flag(request: PlanRequest, name: str, tables: Tables) -> Expression:
    return case((FLAGS[name](request, tables), YES), else_=NO)


def _won(request: PlanRequest, tables: Tables) -> Expression:
    """The lead's source event succeeded, whenever it was."""
    lead_ids = _others(request, tables, "lead_id", where=(*KINDS["source"], ("outcome", ("success",))))
    return tables.operand(request.dataset.find("lead_id")).value.in_(lead_ids)


def _returned(request: PlanRequest, tables: Tables) -> Expression:
    """This recipient returned the lead, whenever it did."""
    ids = ("lead_id", "recipient.id")
    returned = _others(request, tables, *ids, where=(*KINDS["return_received"], ("outcome", ("success",))))
    return tuple_(*(tables.operand(request.dataset.find(id)).value for id in ids)).in_(returned)


def _duplicate(request: PlanRequest, tables: Tables) -> Expression:
    return tables.dialect.contains(tables.operand(tables.dataset.find("reason")).value, DUPLICATE_WORD)


def _others(request: PlanRequest, around: Tables, *ids: str, where: Where) -> Select[Any]:
    """A column or two of all rows of the dataset for which `where` holds, for a query over the tables `around`."""
    tables = Tables(request.dataset, request.sql, request.age_day)
    tables.used = around.used
    columns = [tables.operand(request.dataset.find(id)).value for id in ids]
    holds = [
        tables.operand(request.dataset.find(name)).value.in_([literal(value) for value in values])
        for name, values in where
    ]
    return select(*columns).select_from(tables.source([*columns, *holds])).where(*holds)


FLAGS = {"won": _won, "returned": _returned, "duplicate": _duplicate}
