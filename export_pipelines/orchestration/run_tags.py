"""Of which exports and windows a run is: each run of an export has the tag `export/name`, however it was launched."""

from collections.abc import Iterable

import dagster as dg
from dagster._core.storage.tags import SCHEDULED_EXECUTION_TIME_TAG

from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.sweeping import SWEEP

EXPORT_TAG = "export/name"
ORIGIN, ASKED_BY = "export/origin", "export/asked_by"  # tags of runs that were asked for at the terminal
ON_DEMAND = "on_demand_export"
SCHEDULE_TAG, SENSOR_TAG, DAGSTERS_BACKFILL_TAG = (
    "dagster/schedule_name",
    "dagster/sensor_name",
    "dagster/backfill",
)
BACKFILL_TAG = (
    "export/backfill"  # of a backfill from the terminal; Dagster's own tag would hide its runs from the list
)
WINDOW_TAG, ATTEMPT_TAG = (
    "export/window",
    "export/attempt",
)  # of a run that a schedule asked for, or asked for again
REQUEST_TAG, REQUESTER_TAG = (
    "export/request",
    "export/requester",
)  # of a run that was asked for over HTTP; dagster.yaml limits how many of a requester run at once
# of `dagster/priority`, at Dagster's queue and at the broker: backfills, and what a person launches, have 0
BEFORE_BACKFILLS, AFTER_BACKFILLS = "1", "-1"
LOST_TAG = "export/lost"  # of a run whose worker died, and of those in its place: its id
FULL_TAG = "export/full"  # of a run that writes the full set of an export in mode: changes
RESUMED_TAG = "export/resumed"  # of a run of a backfill: runs that were cut off, whose windows it takes over
TICK_TAG, PARTITION_TAG = SCHEDULED_EXECUTION_TIME_TAG, "dagster/partition"
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
_BETWEEN = ", "


def note_export(context: dg.OpExecutionContext, export: str) -> None:
    """Gives the run its tag, the name of the export's job, unless its job or its launch did. A run of several exports names them all."""
    if context.run.tags.get(EXPORT_TAG) == export:
        return
    run = context.instance.get_run_by_id(context.run_id)
    names = [*tagged(run.tags.get(EXPORT_TAG)), export] if run else [export]
    context.instance.add_run_tags(context.run_id, {EXPORT_TAG: _BETWEEN.join(sorted(set(names)))})


def tagged(value: str | None) -> list[str]:
    """The names in a tag."""
    return value.split(_BETWEEN) if value else []


def exports_of(run: dg.DagsterRun, location: CodeLocation) -> list[str]:
    """The exports of `location` that the run was to make: by its tag, or, where it died before it had one, by the assets
    it was asked for."""
    asked: Iterable[str | None] = map(location.without_prefix, tagged(run.tags.get(EXPORT_TAG)))
    if EXPORT_TAG not in run.tags and run.asset_selection:
        asked = map(location.export_of, run.asset_selection)
    elif EXPORT_TAG not in run.tags and run.job_name == location.named(ON_DEMAND):
        asked = [str(run.run_config.get("export"))] if isinstance(run.run_config, dict) else []
    elif run.job_name == location.named(SWEEP):
        return [SWEEP]
    return sorted({name for name in asked if name})


def windows_of(run: dg.DagsterRun, location: CodeLocation) -> str:
    """The partitions or the window that the run was asked for; "" where the run itself found its window."""
    bounds = "_".join(window_keys(run, location)).split("_")
    return " to ".join(dict.fromkeys(bounds))


def window_keys(run: dg.DagsterRun, location: CodeLocation) -> tuple[str, ...]:
    """Of the windows that the run was asked for, the first and the last partition, or `<start>_<end>`; none where the run itself
    found its window."""
    tags, config = run.tags, run.run_config if isinstance(run.run_config, dict) else {}
    if PARTITION_TAG in tags:
        return (tags[PARTITION_TAG],)
    if RANGE_START in tags:
        return tags[RANGE_START], tags.get(RANGE_END, "")
    if run.job_name == location.named(ON_DEMAND):
        return (f"{config.get('start')}_{config.get('end')}",)
    return ()


def is_by_hand(run: dg.DagsterRun) -> bool:
    """Whether a person launched the run and looks at what becomes of it; not one of a backfill."""
    return not {SCHEDULE_TAG, SENSOR_TAG, DAGSTERS_BACKFILL_TAG, BACKFILL_TAG} & set(run.tags)


def backfill_of(run: dg.DagsterRun) -> str | None:
    """The backfill that the run belongs to, from the UI or the terminal."""
    return run.tags.get(DAGSTERS_BACKFILL_TAG) or run.tags.get(BACKFILL_TAG)
