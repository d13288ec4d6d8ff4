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
            return dg.RunRequest(run_key=run_key, run_config=window_config(definition, window))
        if window.start.date() < first_day(definition):
            return dg.SkipReason(f"the first partition is {first_day(definition)}, it is not complete yet")
        return dg.RunRequest(run_key=window.key, partition_key=window.key)

    return tick


def window_config(definition: ExportDefinition, window: Window) -> Mapping[str, Any]:
    """Run configuration of the export's own job for one window of an export without partitions."""
    if window.key == WHOLE_KEY:
        return {}
    given = {"start": iso(window.start), "end": iso(window.end)}
    return {"ops": {node_name(definition): {"config": given}}}
