"""What a schedule asked for and did not get: asked for again with pauses that grow, until the export's time for it is over."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import dagster as dg

from export_pipelines.definition import ExportDefinition
from export_pipelines.ledger import Alert
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.due import Due, due_windows, given_up
from export_pipelines.orchestration.failures import failures_of
from export_pipelines.orchestration.run_command import run_command
from export_pipelines.orchestration.schedules import MAX_CAUGHT_UP, begins_now, request, without_rights
from export_pipelines.orchestration.switches import Switch, owes_a_tick, switches
from export_pipelines.orchestration.ticks import last_tick, next_tick
from export_pipelines.project import Project

log = logging.getLogger(__name__)

EVERY_S = 60
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=5), timedelta(hours=12)  # each is three times the one before
BEFORE_A_TICK = timedelta(minutes=5)  # a tick asks for everything itself, and must not meet this sensor at it


def retry_windows_sensor(location: CodeLocation, jobs: Sequence[Any]) -> dg.SensorDefinition:
    """Asks again for windows of schedules that are on; `jobs` are those of the exports that Dagster could take."""
    names, project = {job.name for job in jobs}, location.project

    def retry_windows(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        asked, over = list[dg.RunRequest](), list[str]()
        on = switches(context.instance)
        for definition in project.loaded.definitions:
            switch = on.get(location.schedule_name(definition))
            if (
                not switch
                or location.job_name(definition) not in names
                or not begins_now(definition, project)
            ):
                continue
            due = _due(location, definition, context.instance, switch)
            lost = [due_window for due_window in due if given_up(definition, due_window, project.now())]
            if lost:
                _tell(project, definition, context.instance, lost)
            over += [f"{definition.name} {due_window.request.key}" for due_window in lost]
            again = [
                due_window
                for due_window in due
                if due_window not in lost and _is_time(due_window, project.now())
            ]
            if without_rights(project, definition, [due_window.request.window for due_window in again]):
                continue
            asked += [request(location, definition, due_window) for due_window in again[:MAX_CAUGHT_UP]]
        figures = {"runs": len(asked), "given_up": len(over)}
        log.log(logging.INFO if asked or over else logging.DEBUG, "windows to retry", extra=figures)
        yield from asked
        if not asked:
            yield dg.SkipReason(_why_nothing(over))

    return dg.SensorDefinition(
        name=location.named("retry_windows"),
        evaluation_fn=retry_windows,
        jobs=jobs or None,
        minimum_interval_seconds=EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks again for windows of schedules that failed or were lost, with pauses that grow, for as long as "
        "the export's `retry_for` says; then one alert names them",
    )


def _due(
    location: CodeLocation, definition: ExportDefinition, instance: dg.DagsterInstance, switch: Switch
) -> list[Due]:
    """Of the last tick that Dagster is done with; nothing while one is going on, or about to."""
    assert definition.schedule
    now = location.project.now()
    last = last_tick(definition.schedule, now)
    if last < switch.since or next_tick(definition.schedule, now) - now < BEFORE_A_TICK:
        return []
    if owes_a_tick(instance, switch, last):
        return []
    return due_windows(location, definition, instance, switch, last)


def _is_time(due: Due, now: datetime) -> bool:
    """A run that a person ended is left to the next tick."""
    if due.ended_at is None:
        return True
    if due.runs[-1].dagster_run.status is dg.DagsterRunStatus.CANCELED:
        return False
    began = (
        due.runs[-1].start_time is not None
    )  # else its process never came up, as when the daemon died meanwhile
    return now >= due.ended_at + pause_after(due.attempt - 1 if began else due.attempt - 2)


def pause_after(attempts: int) -> timedelta:
    """How long nothing is asked after so many attempts: 5 minutes, 15, 45, ... and at most 12 hours."""
    if attempts < 1:
        return timedelta()
    factor: int = 3 ** min(attempts - 1, 10)
    return min(FIRST_PAUSE * factor, LONGEST_PAUSE)


def _why_nothing(over: Sequence[str]) -> str:
    return "given up: " + ", ".join(over) if over else "no window has to be asked for again"


def _tell(
    project: Project, definition: ExportDefinition, instance: dg.DagsterInstance, lost: Iterable[Due]
) -> None:
    """One alert for all windows that are lost now and were not yet; its key names them, so none is told twice."""
    before = project.ledger.alert_keys(prefix := f"given up {definition.name}: ")
    reported = {key for name in before for key in name.removeprefix(prefix).split(", ")}
    if new := [due_window for due_window in lost if due_window.request.key not in reported]:
        key = prefix + ", ".join(due_window.request.key for due_window in new)
        project.ledger.notice(_alert(definition, key, new, instance, project.now()))


def _alert(
    definition: ExportDefinition, key: str, lost: Sequence[Due], instance: dg.DagsterInstance, now: datetime
) -> Alert:
    lines = [
        f"window {due_window.request.window.key}: {_reason(due_window, instance)}" for due_window in lost
    ]
    return Alert(
        key=key,
        export=definition.name,
        kind="failure",
        text="\n".join(lines),
        then=run_command(definition, [due_window.request.window.key for due_window in lost]),
        noticed_at=now,
    )


def _reason(due: Due, instance: dg.DagsterInstance) -> str:
    faults = failures_of(instance, due.runs[-1].dagster_run.run_id).texts
    text = faults.get(due.request.window.key) or faults.get("") or "the run's process died"
    number = due.attempt - 1
    return f"given up after {number} attempt{'s' if number > 1 else ''}: {text}"
