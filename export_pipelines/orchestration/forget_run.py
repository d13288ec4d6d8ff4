"""Erases what Dagster keeps of a run: its launch, its events with previews, what it stored, its logs."""

import shutil
from contextlib import suppress
from pathlib import Path

import dagster as dg
from dagster._core.errors import DagsterInvariantViolationError
from dagster._core.event_api import EventLogRecord
from dagster._core.storage.event_log.schema import AssetKeyTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.runs.schema import RunTagsTable
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage
from dagster._serdes import serialize_value

from export_pipelines.errors import RetryableError
from export_pipelines.orchestration.kept_events import KeptEvents
from export_pipelines.orchestration.kept_storage import KeptRuns
from export_pipelines.orchestration.running_windows import LIVING

ROOT_RUN = "dagster/root_run_id"  # tag of a run that was launched again as another one


def forget_run(instance: dg.DagsterInstance, run_id: str) -> None:
    """Also runs that were launched again as this one. Other artifacts of the run lose its record too; the ledger keeps
    theirs. Raises RetryableError for a run that is not over."""
    runs = {run.run_id: run for run in instance.get_runs(dg.RunsFilter(tags={ROOT_RUN: run_id}))}
    if run := instance.get_run_by_id(run_id):
        runs[run_id] = run
    if living := next((run for run in runs.values() if run.status in LIVING), None):
        raise RetryableError("Dagster's run is not over", where=living.run_id)
    for id in runs:
        _forget(instance, id)
    for storage in (instance.run_storage, instance.event_log_storage):
        if isinstance(storage, KeptEvents | KeptRuns):
            storage.wipe()


def _forget(instance: dg.DagsterInstance, run_id: str) -> None:
    instance.delete_run(run_id)
    runs, events = instance.run_storage, instance.event_log_storage
    if isinstance(runs, SqlRunStorage):
        with runs.connect() as connection:
            connection.execute(RunTagsTable.delete().where(RunTagsTable.c.run_id == run_id))
    if isinstance(events, SqlEventLogStorage):
        _forget_latest(instance, events, run_id)
    with suppress(DagsterInvariantViolationError):  # an instance in memory has no folder
        shutil.rmtree(Path(instance.storage_directory()) / run_id, ignore_errors=True)
    instance.compute_log_manager.delete_logs(prefix=[run_id])


def _forget_latest(instance: dg.DagsterInstance, events: SqlEventLogStorage, run_id: str) -> None:
    """Dagster keeps a copy of an asset's latest event beside the events: there the one before takes its place."""
    of_run = AssetKeyTable.c.last_materialization.contains(run_id)
    with events.index_connection() as connection:
        keys = [
            row[0]
            for row in connection.execute(
                AssetKeyTable.select().with_only_columns(AssetKeyTable.c.asset_key).where(of_run)
            )
        ]
    for key in keys:
        asset = dg.AssetKey.from_db_string(key)
        records = instance.fetch_materializations(asset, limit=1).records if asset else ()
        before = next(iter(records), None)
        latest = (
            serialize_value(
                EventLogRecord(storage_id=before.storage_id, event_log_entry=before.event_log_entry)
            )
            if before
            else None
        )
        with events.index_connection() as connection:
            connection.execute(
                AssetKeyTable.update()
                .where(AssetKeyTable.c.asset_key == key)
                .values(last_materialization=latest, cached_status_data=None)
            )
