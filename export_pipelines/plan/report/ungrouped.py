"""The rows that a report groups, one by one: read after a group could not be, so that the error names the row."""

from export_pipelines.catalog import Component, Field
from export_pipelines.catalog.dimensions import dimensions_of
from export_pipelines.plan.plan import Report
from export_pipelines.plan.query.query import Query
from export_pipelines.plan.query.scope import without_limit
from export_pipelines.plan.query.select import build_query
from export_pipelines.plan.report.query import measures_of
from export_pipelines.plan.report.rows import FLAGS, needed
from export_pipelines.plan.request import PlanRequest


def ungrouped(report: Report, request: PlanRequest) -> Query:
    """The rows with their ids, and the fields that the report's keys and measures read."""
    dataset, dimensions = request.dataset, dimensions_of(request.dataset)
    measured = (id for id in needed(measures_of(report).values()) if id not in FLAGS)
    keys = (key.of for id in report.keys if (key := dimensions[id]).of)
    operands = [*map(dataset.find, (*dataset.order, *measured)), *keys]
    fields = {field.id: field for field in map(_field, operands)}
    return build_query(without_limit(request), fields.values())


def _field(operand: Field | Component) -> Field:
    return operand.field if isinstance(operand, Component) else operand
