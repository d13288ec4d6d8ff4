"""Where the rows are looked for whose JSON a rule cannot read: a query without the rules, so that each can be named."""

from collections.abc import Iterator
from dataclasses import replace

from export_pipelines.catalog import Component, Field, Kind
from export_pipelines.catalog.dimensions import dimensions_of
from export_pipelines.plan.plan import Query
from export_pipelines.plan.query import build_query
from export_pipelines.plan.request import PlanRequest


def with_suspects(query: Query, request: PlanRequest) -> Query:
    """The query and, if its filter or its groups ask about stored JSON that may be broken, the one that finds the row."""
    dataset = request.dataset
    asked = (dataset.find(id) for id in dict.fromkeys(_asked(request)))
    fields = [one.field if isinstance(one, Component) else one for one in asked]
    whole = {one.column: one for one in dataset.fields if one.path is None and one.kind is Kind.JSON}
    stored = [whole.get(one.column, one) for one in fields if one.path or one.kind is Kind.JSON]
    if request.bad_json_is_null or not stored:
        return query
    definition = request.definition
    unasked = definition.filter.model_copy(update={"where": {}, "rules": ()})
    everything = replace(request, definition=definition.model_copy(update={"filter": unasked}))
    ids = [one for id in dataset.order if isinstance(one := dataset.find(id), Field)]
    suspects = build_query(everything, {one.id: one for one in (*ids, *stored)}.values())
    return query.model_copy(update={"suspects": suspects}) if suspects.marked else query


def _asked(request: PlanRequest) -> Iterator[str]:
    """Ids of the fields that the filter and the groups of a report ask about."""
    yield from request.definition.filter.asked
    if report := request.definition.report:
        groups = dimensions_of(request.dataset)
        yield from (key.of.id for id in report.group_by if (key := groups.get(id)) and key.of)
