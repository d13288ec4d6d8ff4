"""The leads that an export names by their ids: a query that counts how many of them the source has."""

from collections.abc import Sequence

from sqlalchemy import func, literal, select

from export_pipelines.plan.query.query import Query
from export_pipelines.plan.query.select import query_of
from export_pipelines.plan.query.tables import Tables
from export_pipelines.plan.request import PlanRequest


def named_ids(request: PlanRequest) -> tuple[str, ...]:
    """The ids of `filter.lead_ids` that have to be there; none where the export says `missing_ids: allow`."""
    chosen = request.definition.filter
    if isinstance(chosen.lead_ids, str) or chosen.missing_ids == "allow":
        return ()
    return tuple(dict.fromkeys(chosen.lead_ids))


def count_of(request: PlanRequest, ids: Sequence[str]) -> Query:
    """Counts which of `ids` the dataset has, whatever the window and the rest of the filter."""
    tables = Tables(request.dataset, request.sql, request.age_day)
    lead_id = tables.operand(tables.dataset.find("lead_id")).value
    asked = lead_id.in_([literal(id) for id in ids])
    count = select(func.count(lead_id.distinct())).select_from(tables.source([asked])).where(asked)
    return query_of(request, count, count, (), ())
