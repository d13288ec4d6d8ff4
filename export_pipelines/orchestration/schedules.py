"""One schedule for each export that has one: at its cron line every window that it owes, see due.py.

Off until a person turns it on."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dagster as dg
from dagster._core.storage.tags import PRIORITY_TAG

from export_pipelines.definition import ExportDefinition
from export_pipelines.definition.schedule import is_within
from export_pipelines.errors import AccessFileError, Denied
from export_pipelines.ledger import Alert
from export_pipelines.orchestration.active_limit import refusal
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.due import Due, due_windows, given_up
from export_pipelines.orchestration.run_tags import (
    ATTEMPT_TAG,
    BEFORE_BACKFILLS,
    EXPORT_TAG,
    ORIGIN,
    WINDOW_TAG,
)
from export_pipelines.orchestration.scheduled_windows import BY_SCHEDULE
from export_pipelines.orchestration.switches import switches
from export_pipelines.plan.plan import Window, iso
from export_pipelines.plan.window import WHOLE_KEY, first_day
from export_pipelines.project import Project

Tick = Callable[[dg.ScheduleEvaluationContext], list[dg.RunRequest] | dg.SkipReason]
MAX_CAUGHT_UP = 100  # runs of one tick; what is left is asked for afterwards


def export_schedule(
    definition: ExportDefinition, job: Any, location: CodeLocation
) -> dg.ScheduleDefinition | None:
    """None for an export that only runs by hand."""

    def tick(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        if refused := refusal(context, location.schedule_name(definition)):
            return dg.SkipReason(refused)
        at, instance = context.scheduled_execution_time, context.instance
        if not begins_now(definition, location.project):
            return dg.SkipReason(
                f"the quiet hours {definition.quiet_hours} are over; asked for when they begin"
            )
        switch = switches(instance).get(location.schedule_name(definition))
        due = due_windows(location, definition, instance, switch, at, tick=True)
        wanted = [due_window for due_window in due if not given_up(definition, due_window, at)]
        if refused := without_rights(
            location.project, definition, [due_window.request.window for due_window in wanted], tick=True
        ):
            return dg.SkipReason(refused)
        if not wanted:
            return dg.SkipReason(_why_nothing(definition, due))
        return [request(location, definition, due_window) for due_window in wanted[:MAX_CAUGHT_UP]]

    about = (
        f"{definition.schedule} UTC: {definition.partition or 'one window'}, the last complete one, "
        "and those since it was turned on that are not written and delivered"
    )
    return schedule_of(definition, job, location, about, tick)


def schedule_of(
    definition: ExportDefinition, job: Any, location: CodeLocation, description: str, tick: Tick
) -> dg.ScheduleDefinition | None:
    """The schedule of an export, off until somebody turns it on; None for one that only runs by hand."""
    if definition.schedule is None:
        return None
    return dg.schedule(
        name=location.schedule_name(definition),
        cron_schedule=definition.schedule,
        job=job,
        execution_timezone="UTC",
        tags={EXPORT_TAG: location.job_name(definition)},
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=description,
    )(tick)


def without_rights(
    project: Project, definition: ExportDefinition, windows: Sequence[Window], tick: bool = False
) -> str | None:
    """Why the owner may not have these windows today, of which an alert tells once a day; None where they may. The audit has
    each refusal of a `tick`; a sensor that asks every minute is recorded with its alert."""
    try:
        for window in windows:
            project.request_to_compare(definition, window)
    except (Denied, AccessFileError) as error:
        now = project.now()
        text = f"the schedule is stopped: {error}"
        key = f"rights {definition.name}: {now:%Y-%m-%d}"
        then = f"export-pipelines access explain {definition.owner} {definition.name}"
        new = project.ledger.notice(Alert(key, definition.name, "failure", text, then, now))
        if new or tick:
            project.trail.refused(error, BY_SCHEDULE, "create", definition.name, definition.owner)
        return text
    return None


def _why_nothing(definition: ExportDefinition, due: list[Due]) -> str:
    if due:
        return "given up, see the alerts: " + ", ".join(due_window.request.key for due_window in due)
    return (
        "every window is written and delivered, on its way or in the hands of a run; "
        f"the first partition is {first_day(definition)}"
    )


def begins_now(definition: ExportDefinition, project: Project) -> bool:
    """Whether quiet hours allow a run to begin."""
    hours = definition.quiet_hours
    return hours is None or is_within(project.now().time(), hours)


def request(location: CodeLocation, definition: ExportDefinition, due: Due) -> dg.RunRequest:
    """The run of one window; its key is the window's and the attempt's, so asking twice makes one run."""
    tags = {
        WINDOW_TAG: due.request.key,
        ATTEMPT_TAG: str(due.attempt),
        ORIGIN: BY_SCHEDULE,
        PRIORITY_TAG: BEFORE_BACKFILLS,
    }
    return dg.RunRequest(
        run_key=f"{due.request.key} {due.attempt}",
        job_name=location.job_name(definition),
        partition_key=due.request.window.key if definition.partition else None,
        run_config=run_config(location, definition, due.request.window),
        tags=tags,
    )


def run_config(location: CodeLocation, definition: ExportDefinition, window: Window) -> Mapping[str, Any]:
    """Of the export's own job: the window, unless a partition tells it, and what was given at launch."""
    is_implied = definition.partition is not None or window.key == WHOLE_KEY
    config = {} if is_implied else {"start": iso(window.start), "end": iso(window.end)}
    config |= definition.overrides
    return {"ops": {location.node_name(definition): {"config": config}}} if config else {}
