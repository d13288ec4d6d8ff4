"""What the ops of every export do: six build plans, one runs them. Edges carry plans and artifact ids, never rows."""

import logging
from typing import Any

import dagster as dg

from export_pipelines import logs
from export_pipelines.definition import ExportDefinition
from export_pipelines.definition.overrides import RunOverrides
from export_pipelines.errors import RequestError
from export_pipelines.named_leads import require_named_leads
from export_pipelines.orchestration.checks import definition_check, report
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.edges import Edge, wire
from export_pipelines.orchestration.failing import as_dagster_failure, failure, interruptible
from export_pipelines.orchestration.plan_edges import drafts_of, wire_drafts
from export_pipelines.orchestration.run_tags import (
    ASKED_BY,
    ON_DEMAND,
    ORIGIN,
    is_by_hand,
    note_export,
)
from export_pipelines.orchestration.step_log import StepLog
from export_pipelines.orchestration.step_metadata import step_metadata
from export_pipelines.orchestration.write_windows import WindowWriter, request_of
from export_pipelines.plan import STEP, PlanDraft, blank_draft, window_in
from export_pipelines.plan.plan import Window, added
from export_pipelines.plan.shared_query import with_predicates, with_queries
from export_pipelines.plan.window import (
    require_complete,
    require_quiet,
    scheduled_window,
    window_between,
    window_of,
)
from export_pipelines.project import Project

log = logging.getLogger(__name__)

ANY_HOUR = "export/any_hour"  # tag of a run that a person wants outside of quiet hours too
ACTING_AS = "export/as"  # tag: the principal who asked for the run, whose rights hold beside the owner's
ORIGINS = {"dagster/schedule_name": "schedule", "dagster/backfill": "backfill"}
OVERRIDES = dg.Field(
    dg.Permissive(  # type: ignore[no-untyped-call]
        {"lead_ids": dg.Field([str], is_required=False, description="24 hex digits each, in quotes")}
    ),
    is_required=False,
    description="laid over the filter of the export's file",
)
LEADS = dg.Field(
    dg.Permissive({"lead_ids": dg.Field([str], description="24 hex digits each, in quotes")}),  # type: ignore[no-untyped-call]
    description="which leads: this export is told them at launch",
)
WINDOW = {
    "export": dg.Field(str, description="name of the export"),
    "start": dg.Field(str, is_required=False, description="2024-01-15 or 2024-01-15T09:30:00Z"),
    "end": dg.Field(str, is_required=False, description="exclusive"),
    "filter": OVERRIDES,
}


def tags_of(asker: str | None) -> dict[str, str]:
    """Of a run that this principal asks for."""
    return {ACTING_AS: asker, ASKED_BY: asker} if asker else {}


def extract(context: dg.OpExecutionContext, location: CodeLocation) -> Edge:
    export, overrides = context.op_config["export"], context.op_config.get("filter")
    with logs.run(context.run_id):
        return _extract(context, location, export, overrides)


def _extract(
    context: dg.OpExecutionContext, location: CodeLocation, export: str, overrides: RunOverrides | None
) -> Edge:
    project = location.project
    mistyped = _is_typed(context, location) and export not in project.loaded.broken
    with as_dagster_failure(mistyped, retry=True):
        definition = project.definition(export, {"filter": overrides} if overrides else None)
        windows = _windows(context, definition, project)
    note_export(context, location.job_name(definition))
    if context.job_name != location.named(ON_DEMAND):  # at once: it holds whatever becomes of the run
        report(context, definition_check(location.asset_key(definition)))
    with as_dagster_failure(retry=True):
        if context.run.tags.get(ANY_HOUR) != "yes":
            require_quiet(definition, project.now(), f"wait, or launch it with the tag {ANY_HOUR}: yes")
        project.note_changes(definition, context.run.tags.get(ASKED_BY))
        plans = []
        for window in windows:
            asked = project.request_of(context.run.tags.get(ACTING_AS), definition, window)
            plans.append(STEP["extract"](blank_draft(definition), asked))
        _note_request(context, project, definition.name, plans)
    return _shown(context, "extract", plans)


def add_section(name: str, context: dg.OpExecutionContext, location: CodeLocation, plans: Edge) -> Edge:
    """The op that adds the section `name` to each plan of the run."""
    project = location.project
    with logs.run(context.run_id):
        with as_dagster_failure(retry=True), interruptible(context, project):
            drafts = _steps(name, drafts_of(plans), project)
            if name == "mask_pii":
                _require_readable(drafts, project)
        if name == "mask_pii":
            _require_leads(context, drafts[0], project)
        return _shown(context, name, drafts)


def write(context: dg.OpExecutionContext, location: CodeLocation, plans: Edge) -> Edge:
    drafts = drafts_of(plans)
    steps = {window_in(draft).key: StepLog(context.log) for draft in drafts}
    with logs.run(context.run_id), interruptible(context, location.project):
        written = WindowWriter(context, location, drafts, steps).write()
    faults = {window.window.key: window.fault for window in written if window.fault}
    if faults and len(faults) == len(written):
        raise failure(faults, len(written), retry=True)
    context.add_output_metadata(
        {
            "artifacts": dg.MetadataValue.json([window.artifact for window in written if window.artifact]),
            "stages": dg.MetadataValue.json({key: step.stages for key, step in steps.items()}),
        }
        | ({"failed": dg.MetadataValue.json(sorted(faults))} if faults else {})
    )
    return wire(written)


def _windows(context: dg.OpExecutionContext, definition: ExportDefinition, project: Project) -> list[Window]:
    """One for each partition of the run; else from `start` and `end`; else what a schedule would take now. All complete."""
    start, end = (context.op_config.get(name) for name in ("start", "end"))
    by_partition = context.has_partition_key or context.has_partition_key_range
    if by_partition and not (start or end):
        windows = [window_of(definition, key) for key in context.partition_keys]
    elif by_partition or bool(start) != bool(end):
        raise RequestError(
            "start and end are given together, and only without a partition", where=definition.name
        )
    elif start and end:
        windows = [window_between(start, end)]
    else:
        windows = [scheduled_window(definition, project.now())]
    for window in windows:
        require_complete(window, project.now())
    return windows


def _is_typed(context: dg.OpExecutionContext, location: CodeLocation) -> bool:
    """Whether a person, who sees what becomes of the run, typed more than the export's own job asks for."""
    typed = any(context.op_config.get(name) for name in ("start", "end", "filter"))
    return is_by_hand(context.run) and (typed or context.job_name == location.named(ON_DEMAND))


def _note_request(
    context: dg.OpExecutionContext, project: Project, export: str, plans: list[PlanDraft]
) -> None:
    tags = context.run.tags
    origin = tags.get(ORIGIN) or next((name for tag, name in ORIGINS.items() if tag in tags), "ui")
    keys = [window_in(plan).key for plan in plans]
    project.ledger.requested(context.run_id, export, origin, tags.get(ASKED_BY), keys, project.now())


def _steps(name: str, drafts: list[PlanDraft], project: Project) -> list[PlanDraft]:
    requests = [request_of(draft, project) for draft in drafts]
    if name == "filter":
        return with_predicates(drafts, requests)
    if name == "mask_pii":
        return with_queries(drafts, requests)
    return [STEP[name](draft, request) for draft, request in zip(drafts, requests, strict=True)]


def _require_readable(plans: list[PlanDraft], project: Project) -> None:
    """The plans of a run differ in their windows only, so asking once for each SELECT is enough."""
    queries = [added(plan.query, "mask_pii") for plan in plans]
    for query in {query.sql: query for query in queries}.values():
        project.source().check(query)


def _require_leads(context: dg.OpExecutionContext, plan: PlanDraft, project: Project) -> None:
    """The leads that the export names by their ids; all windows name the same."""
    with as_dagster_failure(mistyped=bool(plan.overrides) and is_by_hand(context.run)):
        require_named_leads(request_of(plan, project), project.source())


def _shown(context: dg.OpExecutionContext, name: str, plans: list[PlanDraft]) -> Edge:
    metadata: dict[str, Any] = step_metadata(name, plans)
    context.add_output_metadata(metadata)
    log.debug("step planned", extra={"step": name, "export": plans[0].export, "windows": len(plans)})
    return wire_drafts(plans)
