"""Exports that are late: their schedule is on, its time was hours ago, and the window has not arrived everywhere."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cronsim import CronSim

from export_pipelines.definition import ExportDefinition
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.plan.window import WHOLE_KEY, scheduled_window
from export_pipelines.project import Project


@dataclass(frozen=True)
class LateExport:
    """The window `window_key` of an export was due at `due_at`, which is more than `hours` ago."""

    export: str
    window_key: str
    due_at: datetime
    hours: float


def late_exports(
    location: CodeLocation,
    since: Mapping[str, datetime],
    hours_of: Callable[[str], float | None],
    now: datetime,
) -> Iterator[LateExport]:
    """`since` says since when schedules are on, by their names; `hours_of` after how many hours an export is late, None for one
    that never is. What was due before its schedule was turned on is not late."""
    for definition in location.project.loaded.definitions:
        hours = hours_of(definition.name)
        on_since = since.get(location.schedule_name(definition))
        if hours is None or on_since is None or definition.schedule is None:
            continue
        tick = next(CronSim(definition.schedule, now - timedelta(hours=hours), reverse=True))
        if tick >= on_since and not _has_arrived(location.project, definition, tick):
            yield LateExport(definition.name, scheduled_window(definition, tick).key, tick, hours)


def _has_arrived(project: Project, definition: ExportDefinition, tick: datetime) -> bool:
    key = scheduled_window(definition, tick).key
    return project.ledger.arrived(definition.name, key, tick if key == WHOLE_KEY else None)
