"""The windows that a schedule has to export at a tick, whatever became of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from itertools import islice, takewhile

import dagster as dg
from cronsim import CronSim

from export_pipelines.definition import ExportDefinition
from export_pipelines.errors import WindowError
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.run_tags import WINDOW_TAG
from export_pipelines.orchestration.switches import Switch
from export_pipelines.orchestration.ticks import next_tick
from export_pipelines.plan import Window
from export_pipelines.plan.partitions import last_complete_window, partition_keys
from export_pipelines.plan.plan import iso
from export_pipelines.plan.window import (
    first_day,
    scheduled_window,
    window_between,
    window_of,
)

BY_SCHEDULE = "schedule"  # origin of a run that a schedule asked for, at its tick or again
MAX_TICKS = 1000  # of one schedule that are looked back


@dataclass(frozen=True)
class WindowRequest:
    """A window that a schedule has to export at a tick: a partition, or what `filter.last` or the whole history then is.

    `key` tells it from the schedule's others.
    """

    key: str
    window: Window


def requests_at(
    definition: ExportDefinition,
    location: CodeLocation,
    instance: dg.DagsterInstance,
    switch: Switch | None,
    at: datetime,
    own: frozenset[str],
) -> Iterator[WindowRequest]:
    """Those of the tick `at`, oldest first; the runs with the ids in `own` are not looked at."""
    if definition.partition:
        last = last_complete_window(definition.partition, at)
        first = (
            last_complete_window(definition.partition, next_tick(switch.cron, switch.since))
            if switch
            else last
        )
        start = max(first.start, datetime.combine(first_day(definition), time(), UTC))
        for key in partition_keys(definition.partition, start, last.end):
            yield WindowRequest(key, window_of(definition, key))
    elif definition.filter.last:
        yield from _rolling(definition, location, instance, switch, at, own)
    else:
        yield WindowRequest(iso(at), scheduled_window(definition, at))


def _rolling(
    definition: ExportDefinition,
    location: CodeLocation,
    instance: dg.DagsterInstance,
    switch: Switch | None,
    at: datetime,
    own: frozenset[str],
) -> Iterator[WindowRequest]:
    """Windows that no calendar names: those that were asked for since the schedule was turned on, and those of all ticks
    after them, so that another cron line changes only what comes."""
    asked: dict[str, Window] = {}
    if switch:
        wanted = dg.RunsFilter(job_name=location.job_name(definition), created_after=switch.since)
        runs = [run for run in instance.get_runs(wanted, limit=MAX_TICKS) if run.run_id not in own]
        keys = {run.tags[WINDOW_TAG] for run in runs if WINDOW_TAG in run.tags}
        keys |= {
            record.window_key
            for record in location.project.ledger.windows(definition.name)
            if record.origin == BY_SCHEDULE and record.created_at >= switch.since and record.run_id not in own
        }
        asked = {key: window for key in keys if (window := _between(key))}
    after = max([switch.since, *(window.end for window in asked.values())]) if switch else at
    missed = [scheduled_window(definition, moment) for moment in _ticks(definition, after, at)]
    windows = {window.key: window for window in (*asked.values(), *missed, scheduled_window(definition, at))}
    for window in sorted(windows.values(), key=lambda window: window.end):
        yield WindowRequest(window.key, window)


def _ticks(definition: ExportDefinition, after: datetime, before: datetime) -> list[datetime]:
    """Times of the schedule between the two, the oldest first."""
    assert definition.schedule
    times = takewhile(lambda moment: moment < before, CronSim(definition.schedule, after))
    return list(islice(times, MAX_TICKS))


def _between(key: str) -> Window | None:
    start, _, end = key.partition("_")
    try:
        return window_between(start, end)
    except WindowError:  # of the definition as it was before
        return None
