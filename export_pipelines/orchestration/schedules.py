"""One schedule for each export that has one: at its cron line, the last complete window, once. Off until a person turns it on."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from export_pipelines.definition import ExportDefinition
from export_pipelines.orchestration.assets import node_name
from export_pipelines.plan.plan import Window, iso
from export_pipelines.plan.window import WHOLE_KEY, first_day, scheduled_window


def export_schedule(definition: ExportDefinition, job: Any) -> dg.ScheduleDefinition | None:
    """None for an export that only runs by hand."""
    if definition.schedule is None:
        return None

    @dg.schedule(
        name=f"{definition.name}_schedule",
        cron_schedule=definition.schedule,
        job=job,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"{definition.schedule} UTC: {definition.partition or 'one window'}, the last complete one",
    )
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        window = scheduled_window(definition, context.scheduled_execution_time)
        if definition.partition is None:
            run_key = iso(context.scheduled_execution_time) if window.key == WHOLE_KEY else window.key
            return dg.RunRequest(run_key=run_key, run_config=run_config(definition, window))
        if window.start.date() < first_day(definition):
            return dg.SkipReason(f"the first partition is {first_day(definition)}, it is not complete yet")
        return dg.RunRequest(run_key=window.key, partition_key=window.key)

    return tick


def run_config(definition: ExportDefinition, window: Window) -> Mapping[str, Any]:
    """Of the export's own job: the window, unless a partition tells it, and what was given at launch."""
    told = definition.partition is not None or window.key == WHOLE_KEY
    config = {} if told else {"start": iso(window.start), "end": iso(window.end)}
    config |= definition.given
    return {"ops": {node_name(definition): {"config": config}}} if config else {}
