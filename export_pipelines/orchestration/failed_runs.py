"""Alerts of runs that failed, whoever launched them: one for each run, one for all runs of a backfill once it is over."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.execution.backfill import BulkActionStatus
from dagster._core.storage.tags import WILL_RETRY_TAG

from export_pipelines.ledger import Alert
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.failures import failures_of
from export_pipelines.orchestration.run_tags import (
    ATTEMPT_TAG,
    BACKFILL_TAG,
    DAGSTERS_BACKFILL_TAG,
    PARTITION_TAG,
    SCHEDULE_TAG,
    backfill_of,
    exports_of,
    windows_of,
)

LOOK_BACK = timedelta(days=2)  # what is older was told, or is known
QUIET_FOR = timedelta(minutes=1)  # between two runs of a backfill at the terminal nothing runs for a moment
DIED, NOT_STARTED = "the run's process died", "the run could not be started"
NAMED = 31  # windows of one alert
FAILED = dg.DagsterRunStatus.FAILURE
UNDERWAY = (BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING, BulkActionStatus.FAILING)


@dataclass(frozen=True)
class Occasion:
    """What was launched at once: a run, or a backfill with all that failed of it."""

    key: str
    page: str  # in the UI
    runs: tuple[dg.DagsterRun, ...]


def failed_runs(location: CodeLocation, instance: dg.DagsterInstance, now: datetime) -> Iterator[Alert]:
    """One alert for each occasion and export of which a window did not become an artifact.

    What became of artifacts is told by the ledger; what a person typed wrongly, who sees the run fail, is not told.
    """
    definitions = location.project.loaded.definitions
    nodes = {definition.name: location.node_name(definition) for definition in definitions}
    now_called = {old: definition.name for definition in definitions for old in definition.renamed_from}
    for occasion in _occasions(instance, now):
        faults: dict[str, dict[str, str]] = {}
        for run in occasion.runs:
            exports = exports_of(run, location)
            for asked in exports:
                node, export = nodes.get(asked) if len(exports) > 1 else None, now_called.get(asked, asked)
                fault_texts = _faults(location, instance, run, export, node)
                if fault_texts is not None:
                    faults.setdefault(export, {}).update(fault_texts)
        for export, texts in faults.items():
            yield _alert(occasion, export, texts, now)


def occasion_of(instance: dg.DagsterInstance, run_id: str | None) -> str:
    """The id of the backfill that the run belongs to, or its own; "" for what no run made."""
    run = instance.get_run_by_id(run_id) if run_id else None
    return (backfill_of(run) or run.run_id) if run else run_id or ""


def is_over(instance: dg.DagsterInstance, occasion: str, now: datetime) -> bool:
    """Whether nothing of a backfill, or of a run, is still to come."""
    run = instance.get_run_by_id(occasion)
    if run:
        return run.is_finished
    backfill = instance.get_backfill(occasion)
    if backfill:
        return backfill.status not in UNDERWAY
    runs = instance.get_run_records(dg.RunsFilter(tags={BACKFILL_TAG: occasion}))
    ended = [datetime.fromtimestamp(record.end_time, UTC) for record in runs if record.end_time]
    return len(ended) == len(runs) and all(moment <= now - QUIET_FOR for moment in ended)


def _occasions(instance: dg.DagsterInstance, now: datetime) -> Iterator[Occasion]:
    backfills = dict[str, None]()
    for run in instance.get_runs(dg.RunsFilter(statuses=[FAILED], updated_after=now - LOOK_BACK)):
        backfill = backfill_of(run)
        if run.tags.get(ATTEMPT_TAG, "1") != "1":
            continue  # of a schedule's window the first failure is told, then that it was given up
        if run.tags.get(WILL_RETRY_TAG) == "true":
            continue  # its worker was lost; another run stands in its place, and is told of if it fails
        if backfill:
            backfills[backfill] = None
        else:
            yield Occasion(_key(run), f"/runs/{run.run_id}", (run,))
    for backfill in backfills:
        if not is_over(instance, backfill, now):
            continue
        tag = DAGSTERS_BACKFILL_TAG if instance.get_backfill(backfill) else BACKFILL_TAG
        page = f"/runs/b/{backfill}" if tag == DAGSTERS_BACKFILL_TAG else f"/runs?q=tag:{tag}={backfill}"
        runs = instance.get_runs(dg.RunsFilter(tags={tag: backfill}, statuses=[FAILED]))
        yield Occasion(f"backfill {backfill}", page, tuple(reversed(runs)))


def _key(run: dg.DagsterRun) -> str:
    """A schedule asks for a window until it is there: that is told once."""
    schedule, partition = run.tags.get(SCHEDULE_TAG), run.tags.get(PARTITION_TAG)
    if schedule and partition and run.parent_run_id is None:
        return f"{schedule} {partition}"
    return f"run {run.run_id}"


def _faults(
    location: CodeLocation, instance: dg.DagsterInstance, run: dg.DagsterRun, export: str, node: str | None
) -> Mapping[str, str] | None:
    """What is to be told of an export in a run, by window; None for nothing. A window that has arrived since is nothing."""
    failures = failures_of(instance, run.run_id, node)
    if failures.mistyped:
        return None
    if not failures.texts:
        if node is not None and instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
            return None  # another export of the run failed
        began = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_START)
        return {windows_of(run, location): DIED if began else NOT_STARTED}
    undelivered = {
        delivery.window_key
        for delivery in location.project.ledger.deliveries(export)
        if delivery.state != "delivered"
    }
    since = _asked_at(instance, run)
    fault_texts = {
        key or windows_of(run, location): text
        for key, text in failures.texts.items()
        if key not in undelivered and not (key and location.project.ledger.arrived(export, key, since))
    }
    return fault_texts or None


def _asked_at(instance: dg.DagsterInstance, run: dg.DagsterRun) -> datetime:
    record = instance.get_run_record_by_id(run.run_id)
    assert record is not None
    return record.create_timestamp.astimezone(UTC)


def _alert(occasion: Occasion, export: str, faults: Mapping[str, str], now: datetime) -> Alert:
    return Alert(
        key=f"{occasion.key} {export}",
        export=export,
        kind="failure",
        text="\n".join(by_text(faults)),
        then=f"its page in the Dagster UI, {occasion.page}; then run it again",
        noticed_at=now,
    )


def by_text(faults: Mapping[str, str]) -> Iterator[str]:
    """A line for each text, with the windows that it is about."""
    for text in dict.fromkeys(faults.values()):
        windows = sorted(key for key, other in faults.items() if other == text and key)
        named = ", ".join(windows[:NAMED]) + (
            f" and {len(windows) - NAMED} more" if len(windows) > NAMED else ""
        )
        word = "windows" if len(windows) > 1 else "window"
        yield f"{word} {named}: {text}" if windows else text
