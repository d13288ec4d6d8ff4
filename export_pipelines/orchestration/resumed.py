"""A re-execution from failure: Dagster repeats the steps that failed, and of a range in which some windows failed that is
only the last. What the steps before it could not do for these windows is done here."""

from typing import get_args

import dagster as dg

from export_pipelines.ledger.delivery import State
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.deliver_window import deliver_window
from export_pipelines.orchestration.edges import Delivered, Edge, Written, wire
from export_pipelines.orchestration.op_bodies import write_draft
from export_pipelines.orchestration.step_log import StepLog
from export_pipelines.plan import PlanDraft

WRITE = ".write"  # how the key of that step ends


def is_resumed(run: dg.DagsterRun) -> bool:
    """Does the run take what was written from the run before it?"""
    steps = run.step_keys_to_execute
    return (
        run.parent_run_id is not None
        and steps is not None
        and not any(step.endswith(WRITE) for step in steps)
    )


def completed(
    context: dg.AssetExecutionContext, location: CodeLocation, written: Edge, deliveries: list[Edge]
) -> tuple[Edge, list[Edge]]:
    """What the steps gave, with each window written that was not, and delivered where it was not."""
    before = [Written.model_validate(entry) for entry in written]
    windows = [_written(context, location, window) for window in before]
    return wire(windows), [
        wire(_delivered(context, location, windows, edge, entry)) for entry, edge in enumerate(deliveries)
    ]


def _written(context: dg.AssetExecutionContext, location: CodeLocation, window: Written) -> Written:
    if window.draft is None:
        return window
    mended = _mended(context, location, window)
    if mended is not None:
        return mended
    draft = PlanDraft.model_validate(window.draft)
    return write_draft(context.op_execution_context, draft, location, StepLog(context.log))


def _mended(context: dg.AssetExecutionContext, location: CodeLocation, window: Written) -> Written | None:
    """What an earlier re-execution of the same run made of the window, if it wrote it."""
    ledger, key, runs = location.project.ledger, window.window.key, _runs_before(context)
    artifacts = [
        record.artifact
        for record in ledger.windows(window.export, key)
        if record.window_key == key and record.run_id in runs
    ]
    if not artifacts:
        return None
    deliveries = ledger.deliveries(artifact=artifacts[-1], states=get_args(State))
    return Written(
        export=window.export,
        window=window.window,
        artifact=artifacts[-1],
        deliver=tuple(delivery.id for delivery in deliveries),
    )


def _runs_before(context: dg.AssetExecutionContext) -> set[str]:
    """The run that failed first, and its re-executions: those that Dagster groups, and those that this one goes back to."""
    _, group = context.instance.get_run_group(context.run_id) or ("", ())
    ids, run = {run.run_id for run in group}, context.instance.get_run_by_id(context.run_id)
    while run and run.parent_run_id:
        ids.add(run.parent_run_id)
        run = context.instance.get_run_by_id(run.parent_run_id)
    return ids


def _delivered(
    context: dg.AssetExecutionContext, location: CodeLocation, windows: list[Written], edge: Edge, entry: int
) -> list[Delivered]:
    """What destination `entry` has of the windows."""
    sent = {delivered.key: delivered for delivered in map(Delivered.model_validate, edge)}
    return [
        delivered
        if (delivered := sent.get(window.window.key)) and delivered.receipt
        else deliver_window(context, location.project, window, entry)
        for window in windows
        if window.artifact and len(window.deliver) > entry
    ]
