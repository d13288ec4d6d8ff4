"""The filter block as SQL predicates, each with one readable line."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from sqlalchemy import and_, literal, or_

from export_pipelines.definition.filters import Operator, Rule, RuleSet, Scalar
from export_pipelines.definition.overrides import require_leads
from export_pipelines.errors import RequestError
from export_pipelines.plan.dialects.dialect import NotPushable
from export_pipelines.plan.query import times
from export_pipelines.plan.query.new_rows import new_rows
from export_pipelines.plan.query.operators import predicate
from export_pipelines.plan.query.predicate import Build, Predicate, located
from export_pipelines.plan.query.rows import place_of
from export_pipelines.plan.query.scope import granted_flows, named_one_of
from export_pipelines.plan.query.tables import Tables
from export_pipelines.plan.request import PlanRequest

EVENT_TYPE = "event_type"


@dataclass(frozen=True)
class Asked:
    """What must hold of a row: what its database is asked, and what the row is asked afterwards, over the scratch table."""

    pushed: tuple[Predicate, ...]
    residual: tuple[Predicate, ...] = ()


def predicates_of(request: PlanRequest, tables: Tables, staging: Callable[[], Tables]) -> Asked:
    """Everything that must hold of a row, the window first; a rule that the database of `tables` cannot be asked
    exactly is asked of what `staging` gives, as a whole. Raises RequestError, with the place in the YAML."""
    pushed: list[Predicate] = []
    residual: list[Predicate] = []
    for build in _builders(request):
        try:
            pushed += tuple(build(request, tables))
        except NotPushable:
            residual += build(request, staging())
    return Asked(tuple(pushed), tuple(residual))


def _builders(request: PlanRequest) -> Iterator[Build]:
    """Of each key of the filter, of each field in `where`, and of each rule."""
    yield from _BLOCK
    yield from (partial(_where, id=id) for id in request.definition.filter.where)
    yield from (partial(_top_rule, position=n) for n, _ in enumerate(request.definition.filter.rules))


def _named(key: str, prefix: str) -> Build:
    """`flows: [Auto, 5f2b...]`: names without case, or ids."""

    def build(request: PlanRequest, tables: Tables) -> Iterator[Predicate]:
        names: tuple[str, ...] = getattr(request.definition.filter, key)
        with located(request, "filter", key):
            expression = named_one_of(tables, prefix, names)
        if expression is not None:
            yield Predicate(f"{prefix} is one of {_listed(names)}", expression)

    return build


def _granted_flows(request: PlanRequest, tables: Tables) -> Iterator[Predicate]:
    """Those of the roles, where the export asks for others too."""
    for flows in granted_flows(request):
        with located(request, "owner"):
            expression = named_one_of(tables, "flow", flows)
        if expression is not None:
            yield Predicate(f"flow is one of {_listed(flows)} (by right)", expression)


def _events(request: PlanRequest, tables: Tables) -> Iterator[Predicate]:
    """`events: [recipient.*]`: dotted event types, in which `*` stands for any text and `?` for one character."""
    globs = request.definition.filter.events
    if not globs:
        return
    if EVENT_TYPE not in tables.dataset.by_id:
        raise RequestError(
            "leads have no events to choose from",
            where=request.definition.at("filter", "events"),
            remedy="leave `events` out, or filter by outcome",
        )
    with located(request, "filter", "events"):
        value = tables.operand(tables.dataset.find(EVENT_TYPE)).value
    folded = tables.dialect.without_case(value, True)
    expressions = [folded.like(_like(glob.lower()), escape="|") for glob in globs]
    yield Predicate(f"{EVENT_TYPE} is like {_listed(globs)}", or_(*expressions))


def _like(glob: str) -> str:
    literal_text = re.sub(r"([|%_])", r"|\1", glob)
    return literal_text.replace("*", "%").replace("?", "_")


def _lead_ids(request: PlanRequest, tables: Tables) -> Iterator[Predicate]:
    ids = request.definition.filter.lead_ids
    require_leads(request.definition)
    if ids:
        with located(request, "filter", "lead_ids"):
            lead_id = tables.operand(tables.dataset.find("lead_id")).value
        yield Predicate(f"lead_id is one of {len(ids)} ids", lead_id.in_([literal(id) for id in ids]))


def _where(request: PlanRequest, tables: Tables, id: str) -> Iterator[Predicate]:
    wanted = request.definition.filter.where[id]
    with located(request, "filter", "where", id):
        values = wanted if isinstance(wanted, tuple) else (wanted,)
        operand = tables.operand(tables.dataset.find(id))
        some = tuple(value for value in values if value is not None)
        expressions = [predicate(operand, Operator.INCLUDED, some)] if some or not values else []
        if None in values:
            expressions.append(operand.value.is_(None))
    private = operand.pii.is_secret
    here = place_of("filter", "where", id)
    yield Predicate(
        f"{id} is one of {_listed(values, private)}",
        or_(*expressions),
        tuple((here, expression) for expression in expressions) if private else (),
    )


def _top_rule(request: PlanRequest, tables: Tables, position: int) -> Iterator[Predicate]:
    rule = request.definition.filter.rules[position]
    yield _rule(request, tables, rule, ("filter", "rules", position))


def _rule(
    request: PlanRequest, tables: Tables, rule: Rule | RuleSet, place: tuple[str | int, ...]
) -> Predicate:
    if isinstance(rule, RuleSet):
        parts = [_rule(request, tables, member, (*place, "rules", n)) for n, member in enumerate(rule.rules)]
        join = and_ if rule.op == "and" else or_
        text = f" {rule.op} ".join(part.text for part in parts)
        private = tuple(pair for part in parts for pair in part.private)
        return Predicate(f"({text})", join(*(part.expression for part in parts)), private)
    with located(request, *place):
        operand = tables.operand(tables.dataset.find(rule.lhv))
        expression = predicate(operand, rule.op, rule.rhv)
    if rule.rhv is None:
        return Predicate(f"{rule.lhv} {rule.op}", expression)
    personal = operand.pii.is_secret
    rhv = _listed(rule.rhv if isinstance(rule.rhv, tuple) else (rule.rhv,), personal)
    private = ((place_of(*place), expression),) if personal else ()
    return Predicate(f"{rule.lhv} {rule.op} {rhv}", expression, private)


def _listed(values: tuple[Scalar, ...], private: bool = False) -> str:
    return ", ".join("***" if private and value is not None else _shown(value) for value in values)


def _shown(value: Scalar) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


_BLOCK: tuple[Build, ...] = (
    times.window,
    times.last,
    times.dates,
    times.hours,
    times.weekdays,
    _named("flows", "flow"),
    _named("sources", "source"),
    _named("recipients", "recipient"),
    _events,
    _lead_ids,
    _granted_flows,
    times.granted_days,
    new_rows,
)
