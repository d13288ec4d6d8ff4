"""Which rows a query gives, said without SQL: the filter as it was asked, the order, and where the values lie."""

import hashlib
import json
from collections.abc import Iterable, Iterator

from export_pipelines.catalog import Component, Dataset, Field
from export_pipelines.definition.filters import Operator, Rule, RuleSet
from export_pipelines.definition.filters import Scalar as Asked
from export_pipelines.plan.plan import iso
from export_pipelines.plan.query.query import Criterion, Reference, Rows
from export_pipelines.plan.query.scope import first_granted, granted_flows, row_limit
from export_pipelines.plan.query.tables import Tables
from export_pipelines.plan.request import PlanRequest

ONE_OF = ("dates", "weekdays", "flows", "sources", "recipients", "events", "lead_ids")
Place = tuple[str | int, ...]


def rows_of(
    request: PlanRequest, tables: Tables, order: tuple[str, ...] = (), output_fields: Iterable[Field] = ()
) -> Rows:
    """Of the query that was built over `tables`, sorted by `order`, and gives `output_fields`."""
    read = {*tables.used, request.dataset.window, *order, *(field.id for field in output_fields)}
    return Rows(
        asked=(*_criteria(request), *_rights(request)), order=order, origin=_origin(request.dataset, read)
    )


def _criteria(request: PlanRequest) -> Iterator[Criterion]:
    chosen = request.definition.filter
    for key in ("last", "hours"):
        if value := getattr(chosen, key):
            yield Criterion(place=f"filter.{key}", values=(value,))
    for key in ONE_OF:
        if values := getattr(chosen, key):
            yield Criterion(place=f"filter.{key}", values=tuple(map(str, sorted(set(values)))))
    for id, wanted in sorted(chosen.where.items()):
        yield _criterion(request, ("filter", "where", id), id, Operator.INCLUDED, wanted)
    for n, rule in enumerate(chosen.rules):
        yield from _rule(request, ("filter", "rules", n), rule)


def _rights(request: PlanRequest) -> Iterator[Criterion]:
    """What the rights of its people leave of the rows; nothing where they leave all."""
    for flows in granted_flows(request):
        yield Criterion(place="rights.flows", values=flows)
    if (since := first_granted(request)) is not None:
        yield Criterion(place="rights.since", values=(iso(since),))
    if (limit := row_limit(request)) is not None:
        yield Criterion(place="rights.rows", values=(limit,))


def _rule(request: PlanRequest, place: Place, rule: Rule | RuleSet) -> Iterator[Criterion]:
    if isinstance(rule, Rule):
        yield _criterion(request, place, rule.lhv, rule.op, rule.rhv)
        return
    yield Criterion(place=place_of(*place), op=rule.op)
    for n, inner in enumerate(rule.rules):
        yield from _rule(request, (*place, "rules", n), inner)


def _criterion(
    request: PlanRequest, place: Place, id: str, op: str, wanted: Asked | tuple[Asked, ...]
) -> Criterion:
    field, values = request.dataset.find(id), wanted if isinstance(wanted, tuple) else (wanted,)
    here = place_of(*place)
    return Criterion(
        place=here,
        field=field.id,
        op=str(op),
        values=tuple(
            Reference(place=here, number=n, value=name)
            if field.compared.is_secret and name is not None
            else name
            for n, name in enumerate(values)
        ),
    )


def place_of(*key: str | int) -> str:
    """`filter.rules.0`, a place in the definition."""
    return ".".join(map(str, key))


def _origin(dataset: Dataset, ids: Iterable[str]) -> str:
    fields = {_field(dataset, id) for id in ids}
    places = sorted(
        [field.id, field.column, field.path, field.type, field.stored_as, field.scale] for field in fields
    )
    aliases = {field.column.rpartition(".")[0] for field in fields}
    joins = [[join.alias, join.table, join.key, join.on] for join in dataset.joins if join.alias in aliases]
    text = json.dumps([dataset.table, sorted(joins), places])
    return hashlib.sha256(text.encode()).hexdigest()


def _field(dataset: Dataset, id: str) -> Field:
    field = dataset.find(id)
    return field.field if isinstance(field, Component) else field
