"""What earlier runs wrote: taken over by the run in their place."""

from collections.abc import Collection

import dagster as dg

from export_pipelines.definition import ExportDefinition
from export_pipelines.errors import DamagedArtifact, RequestError, SealedArtifact
from export_pipelines.ledger import WindowRecord
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.edges import Written
from export_pipelines.orchestration.run_tags import LOST_TAG, RESUMED_TAG
from export_pipelines.orchestration.running_windows import RunningWindows
from export_pipelines.plan import Plan, Window
from export_pipelines.plan.fingerprint import fingerprint
from export_pipelines.project import Project

BETWEEN = ","


def runs_before(instance: dg.DagsterInstance, run_id: str) -> set[str]:
    """The run that failed first, and its re-executions: those that Dagster groups, and those that this one goes back to."""
    _, group = instance.get_run_group(run_id) or ("", ())
    ids, run = {run.run_id for run in group}, instance.get_run_by_id(run_id)
    while run and run.parent_run_id:
        ids.add(run.parent_run_id)
        run = instance.get_run_by_id(run.parent_run_id)
    return ids


def resumed_runs(instance: dg.DagsterInstance, run: dg.DagsterRun) -> set[str]:
    """The runs whose windows `run` takes over: those whose worker was lost, and those that its backfill found cut off."""
    ids = runs_before(instance, run.run_id) if LOST_TAG in run.tags else set[str]()
    return ids | set(filter(None, run.tags.get(RESUMED_TAG, "").split(BETWEEN)))


def resume_tags(
    instance: dg.DagsterInstance, location: CodeLocation, definition: ExportDefinition
) -> dict[str, str]:
    """Of a backfill: names the runs of the export that never ended, as when their process was killed."""
    runs = RunningWindows(location, definition, instance, own=frozenset()).runs
    return {RESUMED_TAG: BETWEEN.join(run.run_id for run in runs)} if runs else {}


class WrittenBefore:
    """The artifacts that `runs` wrote of the windows of an export, from the window with `first_key` on."""

    def __init__(self, project: Project, export: str, first_key: str, runs: Collection[str]) -> None:
        self.project, self.export = project, export
        self._records: dict[str, list[WindowRecord]] = {}
        for record in project.ledger.windows(export, first_key) if runs else ():
            if record.run_id in runs:
                self._records.setdefault(record.window_key, []).append(record)

    def of(self, window: Window, plan: Plan | None = None) -> Written | None:
        """The newest of `window`, by `plan` where that is given; None where the store has none. Raises what the store does where
        it cannot be asked."""
        for record in reversed(self._records.get(window.key, ())):
            if _is_of(record, plan) and self._is_stored(record.artifact):
                due = tuple(
                    delivery.id for delivery in self.project.ledger.deliveries(artifact=record.artifact)
                )
                return Written(export=self.export, window=window, artifact=record.artifact, deliver=due)
        return None

    def _is_stored(self, artifact: str) -> bool:
        try:
            self.project.store.manifest(artifact)
        except (RequestError, DamagedArtifact, SealedArtifact):  # expired, erased or damaged
            return False
        return True


def _is_of(record: WindowRecord, plan: Plan | None) -> bool:
    return plan is None or record.fingerprint == fingerprint(plan)
