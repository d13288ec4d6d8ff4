"""Artifacts that a run committed and did not live to register: nothing is delivered of them, and the run in its place writes
their windows again."""

from datetime import datetime, timedelta

import dagster as dg

from export_pipelines import logs
from export_pipelines.orchestration.taken_over import resumed_runs, runs_before
from export_pipelines.project import Project

CLOCKS_DIFFER = timedelta(minutes=1)  # those of two machines, with room
log = logs.for_machines(__name__)


class UnregisteredArtifacts:
    """Of the windows of an export from the one with `first_key` on, what the runs before `run` left."""

    def __init__(
        self, project: Project, export: str, first_key: str, instance: dg.DagsterInstance, run: dg.DagsterRun
    ) -> None:
        self.project, self.export = project, export
        self._span = _span(instance, run)
        windows = project.ledger.windows(export, first_key) if self._span else ()
        self._registered = {record.artifact for record in windows}

    def remove(self, window_key: str) -> None:
        """Removes those of a window. What the ledger does not know for another reason, as when an older one was put back, was
        not committed while those runs were at work, and stays. Raises StoreError."""
        if self._span is None:
            return
        store, (began, ended) = self.project.store, self._span
        names = store.artifacts(self.export, window_key, window_key)
        for manifest in store.read(name for name in names if name not in self._registered).manifests:
            if began <= manifest.created_at <= ended:
                store.remove(manifest.artifact)
                log.info("unregistered artifact removed", extra={"artifact": manifest.artifact})


def _span(instance: dg.DagsterInstance, run: dg.DagsterRun) -> tuple[datetime, datetime] | None:
    """From the beginning of the first run before `run` to its own; None where there was none."""
    runs = resumed_runs(instance, run)
    if run.parent_run_id:
        runs |= runs_before(instance, run.run_id)
    if not runs:
        return None
    records = instance.get_run_records(dg.RunsFilter(run_ids=[*runs, run.run_id]))
    created = {record.dagster_run.run_id: record.create_timestamp for record in records}
    return min(created.values()) - CLOCKS_DIFFER, created[run.run_id]
