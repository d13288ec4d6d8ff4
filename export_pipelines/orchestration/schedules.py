"""One schedule for each export that has one: at its cron line the last complete window, and those missed before it, once.

Off until a person turns it on."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import dagster as dg

from export_pipelines.definition import ExportDefinition
from export_pipelines.errors import WindowError
from export_pipelines.orchestration.names import asset_key, node_name
from export_pipelines.plan.plan import Window, iso
from export_pipelines.plan.window import (
    WHOLE_KEY,
    first_day,
    partition_keys,
    scheduled_window,
    window_of,
)

SCHEDULE_TAG, PARTITION_TAG = "dagster/schedule_name", "dagster/partition"
MAX_CAUGHT_UP = 100  # runs of one tick; the next tick goes on with what is left


def schedule_name(definition: ExportDefinition) -> str:
    return f"{definition.name}_schedule"


def export_schedule(definition: ExportDefinition, job: Any) -> dg.ScheduleDefinition | None:
    """None for an export that only runs by hand."""
    if definition.schedule is None:
        return None

    @dg.schedule(
        name=schedule_name(definition),
        cron_schedule=definition.schedule,
        job=job,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"{definition.schedule} UTC: {definition.partition or 'one window'}, the last complete one, "
        "and those before it that a stopped daemon missed",
    )
    def tick(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        window = scheduled_window(definition, context.scheduled_execution_time)
        if definition.partition is None:
            run_key = iso(context.scheduled_execution_time) if window.key == WHOLE_KEY else window.key
            return [dg.RunRequest(run_key=run_key, run_config=run_config(definition, window))]
        if window.start.date() < first_day(definition):
            return dg.SkipReason(f"the first partition is {first_day(definition)}, it is not complete yet")
        keys = _due(definition, window, context.instance, schedule_name(definition))
        return [dg.RunRequest(run_key=key, partition_key=key) for key in keys]

    return tick


def _due(
    definition: ExportDefinition, window: Window, instance: dg.DagsterInstance, schedule: str
) -> list[str]:
    """The window's key, and before it those of the windows since the newest that this schedule ever ran, oldest first.

    What a person exported meanwhile is left out. A window is asked for by its key, so no tick runs it twice.
    """
    assert definition.partition
    runs = instance.get_runs(dg.RunsFilter(tags={SCHEDULE_TAG: schedule}), limit=MAX_CAUGHT_UP)
    ran = [end for run in runs if (end := _end_of(definition, run.tags.get(PARTITION_TAG)))]
    if not ran:
        return [window.key]
    since = max(ran)
    missed = partition_keys(definition.partition, since, window.start)
    there = instance.get_materialized_partitions(asset_key(definition)) if missed else set()
    return [*(key for key in missed if key not in there), window.key][:MAX_CAUGHT_UP]


def _end_of(definition: ExportDefinition, key: str | None) -> datetime | None:
    """When that partition ends; None for one of the definition as it was before."""
    try:
        return window_of(definition, key).end if key else None
    except WindowError:
        return None


def run_config(definition: ExportDefinition, window: Window) -> Mapping[str, Any]:
    """Of the export's own job: the window, unless a partition tells it, and what was given at launch."""
    told = definition.partition is not None or window.key == WHOLE_KEY
    config = {} if told else {"start": iso(window.start), "end": iso(window.end)}
    config |= definition.given
    return {"ops": {node_name(definition): {"config": config}}} if config else {}
