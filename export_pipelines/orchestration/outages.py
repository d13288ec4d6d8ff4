"""Runs of a project with workers that failed because a server was away for a moment, Dagster's own storage among them: asked for
again, since nothing else does. What they wrote and delivered is taken over."""

import time
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.events import RunFailureReason
from dagster._core.storage.tags import RUN_FAILURE_REASON_TAG, WILL_RETRY_TAG
from dagster_shared.error import SerializableErrorInfo

from export_pipelines.orchestration.failing import MAY_PASS
from export_pipelines.orchestration.failures import metadata_of
from export_pipelines.orchestration.run_again import tags_of_run_again
from export_pipelines.orchestration.run_tags import LOST_TAG, SCHEDULE_TAG

STORAGE_AWAY = frozenset({"OperationalError", "InterfaceError"})  # SQLAlchemy's names of it
AFTER_S = 30.0  # so that the server is likely there again
LOOK_BACK = timedelta(minutes=30)
FAILURES = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE}


def ask_after_outages(
    instance: dg.DagsterInstance, not_again: Collection[str], looked_at: set[str]
) -> list[str]:
    """Asks again for the runs that failed for such a reason alone; not for those of the jobs `not_again`, and of schedules, whose
    windows are asked for by other sensors. `looked_at` remembers the others."""
    failed = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.FAILURE], updated_after=datetime.now(UTC) - LOOK_BACK
    )
    records = instance.get_run_records(failed)
    looked_at &= {record.dagster_run.run_id for record in records}
    again = []
    for record in records:
        run = record.dagster_run
        if run.run_id in looked_at or time.time() - (record.end_time or 0) < AFTER_S:
            continue
        looked_at.add(run.run_id)
        others = run.job_name in not_again or SCHEDULE_TAG in run.tags
        asked_for = run.tags.get(LOST_TAG) == run.run_id or run.tags.get(WILL_RETRY_TAG) == "true"
        if not others and not asked_for and _was_outage(instance, run.run_id):
            # Dagster executes no run again whose reason is a step
            reason = {RUN_FAILURE_REASON_TAG: RunFailureReason.UNKNOWN.value}
            instance.add_run_tags(run.run_id, {**tags_of_run_again(run.run_id), **reason})
            instance.report_run_failed(run, "a server was away; the run is executed again")
            again.append(run.run_id)
    return again


def _was_outage(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether each step that failed did so for that reason; where none did, whether the run itself."""
    events = [
        entry.dagster_event for entry in instance.all_logs(run_id, of_type=FAILURES) if entry.dagster_event
    ]
    steps = [event for event in events if event.is_step_failure]
    if not steps:
        return any(_is_away(event.job_failure_data.error) for event in events)
    return all(_may_pass(event) for event in steps)


def _may_pass(event: dg.DagsterEvent) -> bool:
    return MAY_PASS in metadata_of(event) or _is_away(event.step_failure_data.error)


def _is_away(error: SerializableErrorInfo | None) -> bool:
    return any(each.cls_name in STORAGE_AWAY for each in _chain(error))


def _chain(error: SerializableErrorInfo | None) -> Iterator[SerializableErrorInfo]:
    while error:
        yield error
        error = error.cause or error.context
