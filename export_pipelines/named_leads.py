"""Leads that an export names by their ids have to be in the source."""

from itertools import islice

from export_pipelines.errors import RequestError
from export_pipelines.plan import PlanRequest
from export_pipelines.plan.query.named_ids import count_of, named_ids
from export_pipelines.read.source import Source

NAMED = 5  # of the leads that are not there


def require_named_leads(request: PlanRequest, source: Source) -> None:
    """Raises RequestError when the source lacks leads that the export names by their ids."""
    ids = named_ids(request)
    lacking = len(ids) - source.count(count_of(request, ids)) if ids else 0
    if not lacking:
        return
    gone = (id for id in ids if not source.count(count_of(request, [id])))
    named = ", ".join(islice(gone, NAMED)) + (" ..." if lacking > NAMED else "")
    raise RequestError(
        f"{lacking} of the {len(ids)} leads in filter.lead_ids {'is' if lacking == 1 else 'are'} not in {request.dataset.table}: "
        f"{named}",
        where=request.definition.at("filter", "lead_ids"),
        remedy="correct the ids, or say missing_ids: allow in the filter",
    )
