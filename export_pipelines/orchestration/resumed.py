"""A re-execution from failure: Dagster repeats the steps that failed, and of a range in which some windows failed that is
only the last. What the steps before it could not do for these windows is done here."""

import dagster as dg

from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.deliver_window import deliver_window
from export_pipelines.orchestration.edges import Delivered, Edge, Written, wire
from export_pipelines.orchestration.step_log import StepLog
from export_pipelines.orchestration.taken_over import WrittenBefore, runs_before
from export_pipelines.orchestration.write_windows import WindowWriter
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
    runs = runs_before(context.instance, context.run_id)
    mended = WrittenBefore(location.project, window.export, window.window.key, runs).of(window.window)
    if mended is not None:
        return mended
    draft = PlanDraft.model_validate(window.draft)
    steps = {window.window.key: StepLog(context.log)}
    (written,) = WindowWriter(context.op_execution_context, location, [draft], steps).write()
    return written


def _delivered(
    context: dg.AssetExecutionContext, location: CodeLocation, windows: list[Written], edge: Edge, entry: int
) -> list[Delivered]:
    """What destination `entry` has of the windows."""
    sent = {delivered.key: delivered for delivered in map(Delivered.model_validate, edge)}
    resources = location.project.resources
    with resources.sessions:
        return [
            delivered
            if (delivered := sent.get(window.window.key)) and delivered.receipt
            else deliver_window(context, location.project, resources, window, entry)
            for window in windows
            if window.artifact and len(window.deliver) > entry
        ]
