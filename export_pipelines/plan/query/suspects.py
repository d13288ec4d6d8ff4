"""Where the rows are looked for whose JSON the database cannot read: a query without the rules, so that each can be named."""

from collections.abc import Iterator
from dataclasses import replace

from export_pipelines.catalog import Component, Dataset, Field, Kind
from export_pipelines.catalog.dimensions import dimensions_of
from export_pipelines.catalog.metrics import MEASURES, METRICS
from export_pipelines.plan.query.query import Query
from export_pipelines.plan.query.scope import without_limit
from export_pipelines.plan.query.select import build_query
from export_pipelines.plan.request import PlanRequest


def with_suspects(query: Query, request: PlanRequest) -> Query:
    """The query and, if the database may fail to read stored JSON of which it asks, the one that finds the row. A column
    that the database does not mark is given as the text that it is."""
    dataset, dialect = request.dataset, request.sql
    asked = {stored_field.id: stored_field for stored_field in _asked(query, request)}.values()
    whole = {
        field.column: field for field in dataset.fields if field.path is None and field.kind is Kind.JSON
    }
    stored = [whole.get(stored_field.column, stored_field) for stored_field in asked]
    unmarked = [
        stored_field
        for stored_field in stored
        if not (request.bad_json_is_null and dialect.marks_bad_json(stored_field))
    ]
    if not unmarked:
        return query
    definition = request.definition
    unasked = definition.filter.model_copy(update={"where": {}, "rules": ()})
    everything = replace(
        without_limit(request),
        definition=definition.model_copy(update={"filter": unasked, "bad_json": "error"}),
    )
    ids = [id_field for id in dataset.order if isinstance(id_field := dataset.find(id), Field)]
    columns = [
        stored_field if dialect.marks_bad_json(stored_field) else _as_text(stored_field)
        for stored_field in unmarked
    ]
    suspects = build_query(everything, {column.id: column for column in (*ids, *columns)}.values())
    return query.model_copy(update={"suspects": suspects})


def _as_text(field: Field) -> Field:
    return field.model_copy(update={"type": "text", "path": None})


def _asked(query: Query, request: PlanRequest) -> Iterator[Field]:
    """The fields in JSON that the filter and a report ask about, and those of the output whose JSON nothing marks."""
    dataset = request.dataset
    for operand in map(dataset.find, dict.fromkeys(_asked_ids(request, dataset))):
        field = operand.field if isinstance(operand, Component) else operand
        if field.path or field.kind is Kind.JSON:
            yield field
    inside = [dataset.find(column.name) for column in query.columns if column.in_json]
    yield from (
        candidate
        for candidate in inside
        if isinstance(candidate, Field) and not request.sql.marks_bad_json(candidate)
    )


def _asked_ids(request: PlanRequest, dataset: Dataset) -> Iterator[str]:
    yield dataset.window
    yield from request.definition.filter.asked
    if report := request.definition.report:
        groups = dimensions_of(dataset)
        yield from (key.of.id for id in report.group_by if (key := groups.get(id)) and key.of)
        measures = (MEASURES[report.over][name] for id in report.metrics for name in METRICS[id].measures)
        yield from (id for measure in measures for id in ((measure.field,) if measure.field else ()))
