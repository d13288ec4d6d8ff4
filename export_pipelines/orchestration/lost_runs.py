"""Runs on other machines whose worker died: ended, and asked for again, once. What became of a run is known from its lease."""

import logging
import time
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Protocol, runtime_checkable

import dagster as dg
from dagster._core.execution.retries import auto_reexecution_should_retry_run
from dagster._core.storage.dagster_run import RunRecord
from dagster._core.storage.tags import (
    AUTO_RETRY_RUN_ID_TAG,
    MAX_RETRIES_TAG,
    WILL_RETRY_TAG,
)

from export_pipelines.ledger import RunLeases
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.failed_runs import DIED
from export_pipelines.orchestration.outages import ask_after_outages
from export_pipelines.orchestration.run_again import MAX_LOST, tags_of_run_again
from export_pipelines.orchestration.run_tags import LOST_TAG

log = logging.getLogger(__name__)

EVERY_S = 15
SEND_AGAIN_AFTER = timedelta(seconds=60)  # a message that no worker took by then may have been lost
GIVEN_UP_SINCE = timedelta(days=1)
OVERLOOKED_AFTER = timedelta(seconds=60)  # Dagster's daemon looks for failures every few seconds
UNDERWAY = (
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


@runtime_checkable
class Sender(Protocol):
    """A launcher whose runs begin when a worker takes a message, which may be lost."""

    def send(self, run: dg.DagsterRun) -> None: ...


def lost_runs_sensor(location: CodeLocation, not_again: Collection[str]) -> dg.SensorDefinition:
    """`not_again` are the jobs of which something else asks for another run: streams, retries of deliveries, the sweep."""
    sent: dict[str, float] = {}
    looked_at: set[str] = set()

    def find_lost_runs(context: dg.SensorEvaluationContext) -> Iterator[dg.SkipReason]:
        leases = RunLeases(location.project.ledger.engine)
        ended = end_lost_runs(context.instance, leases, not_again)
        retried = retry_again(context.instance)
        failed = ask_after_outages(context.instance, not_again, looked_at)
        again = send_again(context.instance, leases, sent)
        figures = {
            "ended": len(ended),
            "retried_again": len(retried),
            "after_outages": len(failed),
            "sent_again": len(again),
        }
        if any(figures.values()):
            log.info("lost runs", extra=figures)
        yield dg.SkipReason(
            f"{len(ended)} runs ended, {len(retried)} asked for once more, {len(failed)} after an outage, "
            f"{len(again)} messages sent again"
        )

    return dg.SensorDefinition(
        name=location.named("find_lost_runs"),
        evaluation_fn=find_lost_runs,
        minimum_interval_seconds=EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Ends runs whose worker died and asks for them again, once; sends messages again that no worker took",
    )


def end_lost_runs(
    instance: dg.DagsterInstance, leases: RunLeases, not_again: Collection[str] = ()
) -> list[str]:
    """Ends the runs whose lease is over; Dagster's daemon executes those again that are not of `not_again`. A run that was
    being cancelled is cancelled, and one in whose place another runs is not asked for again: they would end each other.
    May be called by several at once, and after one of them was killed."""
    over = {lease.run_id for lease in leases.over()}
    ended = []
    for run in instance.get_runs(dg.RunsFilter(statuses=list(UNDERWAY))):
        lease = leases.of(run.run_id)
        if lease and ((run.run_id in over and leases.expire(run.run_id)) or lease.ended_at):
            if _end(instance, run.run_id, not_again, leases.replacement(run.run_id)):
                ended.append(run.run_id)
            over.discard(run.run_id)
    for run_id in over:  # of a run that ended, and whose process could not say so
        known = instance.get_run_by_id(run_id)
        if known is None or known.is_finished:
            leases.expire(run_id)
    return ended


def _end(
    instance: dg.DagsterInstance, run_id: str, not_again: Collection[str], replacement: str | None
) -> bool:
    run = instance.get_run_by_id(run_id)
    if run is None or run.is_finished:
        return False
    if run.status is dg.DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, f"{DIED} while the run was being cancelled")
        return True
    if replacement is not None:
        instance.report_run_failed(run, f"it was executed again: run {replacement} took its place")
        return True
    if run.job_name not in not_again:  # a run of the UI's backfill has no tag of ours before its first step
        instance.add_run_tags(run_id, tags_of_run_again(run_id))
    instance.report_run_failed(run, f"{DIED}: its lease is over")
    return True


def retry_again(instance: dg.DagsterInstance) -> list[str]:
    """Asks once more for the runs in the place of lost ones that Dagster gave up, as it does where its storage is away at that
    moment, or overlooked, where it saw the failure before the run's state: such a run is never queued, and its backfill never
    ends. A failure that is reported again begins the retry anew, with the run that was made, if one was."""
    since = datetime.now(UTC) - GIVEN_UP_SINCE
    lost = dg.RunsFilter(  # and those in their place, which have the tag too
        statuses=[dg.DagsterRunStatus.FAILURE], tags={MAX_RETRIES_TAG: str(MAX_LOST)}, updated_after=since
    )
    again = []
    for record in instance.get_run_records(lost):
        run = record.dagster_run
        if run.tags.get(LOST_TAG) == run.run_id and _may_be_left(record) and _is_given_up(instance, run):
            instance.report_run_failed(
                run, f"{DIED}; the run in its place could not begin, and is asked for again"
            )
            again.append(run.run_id)
    return again


def _may_be_left(record: RunRecord) -> bool:
    """Whether Dagster has looked at the failure, or should have, and names no run in its place."""
    tags = record.dagster_run.tags
    if tags.get(WILL_RETRY_TAG) == "true":
        is_late = time.time() - (record.end_time or 0) >= OVERLOOKED_AFTER.total_seconds()
        return is_late and AUTO_RETRY_RUN_ID_TAG not in tags
    return WILL_RETRY_TAG in tags


def _is_given_up(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    _, group = instance.get_run_group(run.run_id) or ("", ())
    begun = [
        other
        for other in group
        if other.parent_run_id == run.run_id and other.status is not dg.DagsterRunStatus.NOT_STARTED
    ]
    failures = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    return not begun and len(failures) < MAX_LOST and auto_reexecution_should_retry_run(instance, run, None)


def send_again(instance: dg.DagsterInstance, leases: RunLeases, sent: dict[str, float]) -> list[str]:
    """Sends the message of each run again that no worker has taken for a while: a broker may be away, or restart empty. A
    worker ignores a second message about a run. `sent` remembers when that was done last."""
    launcher = instance.run_launcher
    if not isinstance(launcher, Sender):
        return []
    records = instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTING]))
    waiting = [record for record in records if _waits(record) and not leases.of(record.dagster_run.run_id)]
    again = []
    for record in waiting:
        run, now = record.dagster_run, time.monotonic()
        if now - sent.get(run.run_id, float("-inf")) >= SEND_AGAIN_AFTER.total_seconds():
            launcher.send(run)
            sent[run.run_id] = now
            again.append(run.run_id)
    for run_id in sent.keys() - {record.dagster_run.run_id for record in waiting}:
        del sent[run_id]
    return again


def _waits(record: RunRecord) -> bool:
    return record.update_timestamp.astimezone(UTC) < datetime.now(UTC) - SEND_AGAIN_AFTER
