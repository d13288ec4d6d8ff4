"""Metrics that a report asks for and that its groups or its chosen `events` keep from being told: null, never a zero."""

from fnmatch import fnmatchcase

from export_pipelines.catalog.dimensions import Dimension
from export_pipelines.catalog.metrics import EVENT_TYPES, MEASURES, Metric, event_types_of
from export_pipelines.definition.report import Report
from export_pipelines.plan.request import PlanRequest

COST = "cost"
RECIPIENT = "recipient."
BY_RECIPIENT = "a lead's cost counts once, whoever bought it, so by recipient these are null"
WITHOUT_EVENTS = "`filter: {events}` leaves out the events that these are told by, so they are null"


def unavailable_metrics(
    request: PlanRequest, report: Report, keys: tuple[Dimension, ...], metrics: tuple[Metric, ...]
) -> dict[str, tuple[str, ...]]:
    """Ids of metrics by the reason why they are null in every row; a metric has the first reason that holds."""
    if report.over == "leads":
        return {}
    chosen = request.definition.filter
    named = (*(key.id for key in keys), *chosen.asked)
    by_recipient = bool(chosen.recipients) or any(id.startswith(RECIPIENT) for id in named)
    costs = {metric.id for metric in metrics if by_recipient and COST in metric.measures}
    left_out = [
        metric.id for metric in metrics if metric.id not in costs and _is_left_out(metric, report, request)
    ]
    reasons = {
        BY_RECIPIENT: tuple(metric.id for metric in metrics if metric.id in costs),
        WITHOUT_EVENTS: tuple(left_out),
    }
    return {reason: ids for reason, ids in reasons.items() if ids}


def _is_left_out(metric: Metric, report: Report, request: PlanRequest) -> bool:
    """Whether the chosen events are all others than those of one of its measures, or leave out an outcome of what it is
    a share of. A glob for types of a store's own tells nothing."""
    globs = [glob.lower().replace("[", "[[]") for glob in request.definition.filter.events]
    known = {name for names in EVENT_TYPES.values() for name in names}
    chosen = {text for text in known if any(fnmatchcase(text, glob) for glob in globs)}
    if not globs or not all(any(fnmatchcase(text, glob) for text in known) for glob in globs):
        return False
    measures = {name: event_types_of(MEASURES[report.over][name]) for name in metric.measures}
    return any(
        not (all if name in metric.per else any)(bool(names & chosen) for names in needed)
        for name, needed in measures.items()
        if needed
    )
