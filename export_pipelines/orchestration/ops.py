"""The ops of every export, in order: six that build plans, one that runs them. Edges carry plans and artifact ids, never rows."""

import logging
from collections.abc import Mapping
from typing import Any

import dagster as dg

from export_pipelines import logs
from export_pipelines.definition import ExportDefinition
from export_pipelines.definition.given import Given
from export_pipelines.errors import ExportError, RequestError
from export_pipelines.orchestration.checks import definition_check, report
from export_pipelines.orchestration.edges import Edge, Fault, Written, wire
from export_pipelines.orchestration.failing import RETRY, failure, interruptible, told
from export_pipelines.orchestration.names import asset_key
from export_pipelines.orchestration.preview import preview_of
from export_pipelines.orchestration.run_tags import ON_DEMAND, is_by_hand, note_export
from export_pipelines.orchestration.step_log import StepLog
from export_pipelines.orchestration.step_metadata import step_metadata
from export_pipelines.orchestration.workshop import Workshop
from export_pipelines.pipeline import demand_named_leads, destinations_of
from export_pipelines.plan import STEP, Plan, PlanDraft, PlanRequest, bind, blank_draft, window_in
from export_pipelines.plan.plan import Window, added
from export_pipelines.plan.window import (
    demand_complete,
    demand_quiet,
    scheduled_window,
    window_between,
    window_of,
)

log = logging.getLogger(__name__)

POOL = "source"
ANY_HOUR = "export/any_hour"  # tag of a run that a person wants outside of quiet hours too
ORIGIN, ASKED_BY = "export/origin", "export/asked_by"  # tags of runs that were asked for at the terminal
ORIGINS = {"dagster/schedule_name": "schedule", "dagster/backfill": "backfill"}
TEXT = {
    "extract": "Which table, which window; demands that the window is complete",
    "filter": "Which rows",
    "project_fields": "Which columns",
    "mask_pii": "Which masks; demands the keys, and that the source can be read",
    "serialize": "Which format",
    "compress": "Which compression",
    "write": "Runs the plans: one artifact for each window, in one pass over its rows",
}
GIVEN = dg.Field(
    dg.Permissive(
        {"lead_ids": dg.Field([str], is_required=False, description="24 hex digits each, in quotes")}
    ),
    is_required=False,
    description="laid over the filter of the export's file",
)
LEADS = dg.Field(
    dg.Permissive({"lead_ids": dg.Field([str], description="24 hex digits each, in quotes")}),
    description="which leads: this export is told them at launch",
)
WINDOW = {
    "export": dg.Field(str, description="name of the export"),
    "start": dg.Field(str, is_required=False, description="2024-01-15 or 2024-01-15T09:30:00Z"),
    "end": dg.Field(str, is_required=False, description="exclusive"),
    "filter": GIVEN,
}


@dg.op(name="extract", description=TEXT["extract"], config_schema=WINDOW)
def extract(context: dg.OpExecutionContext, workshop: dg.ResourceParam[Workshop]) -> Edge:
    export, given = context.op_config["export"], context.op_config.get("filter")
    with logs.run(context.run_id):
        return _extract(context, workshop, export, given)


def _extract(context: dg.OpExecutionContext, workshop: Workshop, export: str, given: Given | None) -> Edge:
    with told(mistyped=_is_typed(context) and export not in workshop.loaded.broken):
        definition = workshop.definition(export, {"filter": given} if given else None)
        windows = _windows(context, definition, workshop)
    note_export(context, definition.name)
    if context.job_name != ON_DEMAND:  # at once: it holds whatever becomes of the run
        report(context, definition_check(asset_key(definition)))
    with told():
        if context.run.tags.get(ANY_HOUR) != "yes":
            demand_quiet(definition, workshop.now(), f"wait, or launch it with the tag {ANY_HOUR}: yes")
        plans = []
        for window in windows:
            plans.append(STEP["extract"](blank_draft(definition), workshop.request(definition, window)))
        _note_request(context, workshop, definition.name, plans)
    return _shown(context, "extract", plans)


def _planning(name: str) -> dg.OpDefinition:
    """The op that adds the section `name` to each plan of the run."""

    @dg.op(name=name, description=TEXT[name])
    def add_section(
        context: dg.OpExecutionContext, workshop: dg.ResourceParam[Workshop], plans: Edge
    ) -> Edge:
        with logs.run(context.run_id):
            with told(), interruptible(context, workshop):
                made = [_step(name, draft, workshop) for draft in _drafts(plans)]
                if name == "mask_pii":
                    _demand_readable(made, workshop)
            if name == "mask_pii":
                _demand_leads(context, made[0], workshop)
            return _shown(context, name, made)

    return add_section


filter_rows = _planning("filter")
project_fields = _planning("project_fields")
mask_pii = _planning("mask_pii")
serialize = _planning("serialize")
compress = _planning("compress")


@dg.op(name="write", description=TEXT["write"], pool=POOL, retry_policy=RETRY)
def write(context: dg.OpExecutionContext, workshop: dg.ResourceParam[Workshop], plans: Edge) -> Edge:
    steps = {window_in(draft).key: StepLog(context.log) for draft in _drafts(plans)}
    with logs.run(context.run_id), interruptible(context, workshop):
        written = [_write(context, draft, workshop, steps) for draft in _drafts(plans)]
    faults = {one.window.key: one.fault for one in written if one.fault}
    if faults and len(faults) == len(written):
        raise failure(faults, len(written), retry=True)
    context.add_output_metadata(
        {
            "artifacts": dg.MetadataValue.json([one.artifact for one in written if one.artifact]),
            "stages": dg.MetadataValue.json({key: step.stages for key, step in steps.items()}),
        }
        | ({"failed": dg.MetadataValue.json(sorted(faults))} if faults else {})
    )
    return wire(written)


def _write(
    context: dg.OpExecutionContext, draft: PlanDraft, workshop: Workshop, steps: Mapping[str, StepLog]
) -> Written:
    """A fault of one window is data: the other windows go on, and the last op names the failed ones."""
    window = window_in(draft)
    try:
        plan = _whole(draft, workshop)
        started = workshop.now()
        manifest = workshop.run(plan, steps[window.key])
        due = workshop.register(
            manifest, destinations_of(plan, manifest.rows), context.run_id, bool(plan.given)
        )
        seconds = (workshop.now() - started).total_seconds()
    except ExportError as error:
        context.log.error(f"{window.key}: {error}")
        return Written(export=draft.export, window=window, fault=Fault.of(error))
    return Written(
        export=plan.export,
        window=window,
        artifact=manifest.artifact,
        deliver=tuple(one.id for one in due),
        seconds=round(seconds, 3),
        preview=preview_of(plan, workshop),
    )


def _windows(
    context: dg.OpExecutionContext, definition: ExportDefinition, workshop: Workshop
) -> list[Window]:
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
        windows = [scheduled_window(definition, workshop.now())]
    for window in windows:
        demand_complete(window, workshop.now())
    return windows


def _is_typed(context: dg.OpExecutionContext) -> bool:
    """Whether a person, who sees what becomes of the run, typed more than the export's own job asks for."""
    typed = any(context.op_config.get(name) for name in ("start", "end", "filter"))
    return is_by_hand(context.run) and (typed or context.job_name == ON_DEMAND)


def _note_request(
    context: dg.OpExecutionContext, workshop: Workshop, export: str, plans: list[PlanDraft]
) -> None:
    tags = context.run.tags
    origin = tags.get(ORIGIN) or next((name for tag, name in ORIGINS.items() if tag in tags), "ui")
    keys = [window_in(plan).key for plan in plans]
    workshop.ledger.requested(context.run_id, export, origin, tags.get(ASKED_BY), keys, workshop.now())


def _step(name: str, draft: PlanDraft, workshop: Workshop) -> PlanDraft:
    return STEP[name](draft, _request(draft, workshop))


def _whole(draft: PlanDraft, workshop: Workshop) -> Plan:
    """The plan, with what its query compares with personal fields, which no edge carries."""
    return bind(_step("write", draft, workshop), _request(draft, workshop)).whole()


def _request(draft: PlanDraft, workshop: Workshop) -> PlanRequest:
    return workshop.request(workshop.definition(draft.export, draft.given), window_in(draft))


def _drafts(edge: Edge) -> list[PlanDraft]:
    return [PlanDraft.model_validate(draft) for draft in edge]


def _demand_readable(plans: list[PlanDraft], workshop: Workshop) -> None:
    """The plans of a run differ in their windows only, so asking once for each SELECT is enough."""
    queries = [added(plan.query, "mask_pii") for plan in plans]
    for query in {one.sql: one for one in queries}.values():
        workshop.source().check(query)


def _demand_leads(context: dg.OpExecutionContext, plan: PlanDraft, workshop: Workshop) -> None:
    """The leads that the export names by their ids; all windows name the same."""
    with told(mistyped=bool(plan.given) and is_by_hand(context.run)):
        demand_named_leads(_request(plan, workshop), workshop.source())


def _shown(context: dg.OpExecutionContext, name: str, plans: list[PlanDraft]) -> Edge:
    metadata: dict[str, Any] = step_metadata(name, plans)
    context.add_output_metadata(metadata)
    log.debug("step planned", extra={"step": name, "export": plans[0].export, "windows": len(plans)})
    return wire(plans)
