"""What Dagster knows of exports, for people who ask: their last runs, their next times, whether anything runs at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg
from dagster._core.storage.dagster_run import RunRecord

from export_pipelines.definition import ExportDefinition
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.failed_runs import DIED, NOT_STARTED
from export_pipelines.orchestration.failures import failures_of
from export_pipelines.orchestration.run_tags import EXPORT_TAG, exports_of, window_keys, windows_of
from export_pipelines.orchestration.switches import switches
from export_pipelines.orchestration.ticks import next_tick
from export_pipelines.project import Project

LOOK_BACK_RUNS = 200
DAEMONS = ("QUEUED_RUN_COORDINATOR", "SCHEDULER")
QUEUED = (dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.MANAGED)
ENDS = {
    dg.DagsterRunStatus.SUCCESS: "done",
    dg.DagsterRunStatus.FAILURE: "failed",
    dg.DagsterRunStatus.CANCELED: "cancelled",
}


@dataclass(frozen=True)
class ObservedRun:
    """`status` is queued, running, done, failed or cancelled. `window` is empty where the run found its own, and so are
    `keys`, by which `run_command` tells how to run it again. `at` is when it ended, or was asked for while it has not ended."""

    run_id: str
    status: str
    window: str
    keys: tuple[str, ...]
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def at(self) -> datetime:
        return self.ended_at or self.asked_at


class ObservedRuns:
    """The runs of a project on Dagster's `instance`."""

    def __init__(self, project: Project, instance: dg.DagsterInstance) -> None:
        self.project, self.instance = project, instance
        self.location = CodeLocation(project)

    def last_runs(self) -> dict[str, ObservedRun]:
        """The newest run of each export, among the last few hundred runs."""
        newest: dict[str, ObservedRun] = {}
        for record in self.instance.get_run_records(limit=LOOK_BACK_RUNS):
            for export in exports_of(record.dagster_run, self.location):
                if export not in newest:
                    newest[export] = self._observed(record)
        return newest

    def runs(self, definition: ExportDefinition, limit: int = 20) -> list[ObservedRun]:
        """Those of one export, newest first."""
        tagged = dg.RunsFilter(tags={EXPORT_TAG: self.location.job_name(definition)})
        by_job = dg.RunsFilter(job_name=self.location.job_name(definition))
        records: dict[str, RunRecord] = {}
        for wanted in (tagged, by_job):
            for record in self.instance.get_run_records(wanted, limit=limit):
                records[record.dagster_run.run_id] = record
        newest = sorted(records.values(), key=lambda record: record.create_timestamp, reverse=True)
        return [self._observed(record) for record in newest[:limit]]

    def next_times(self, now: datetime) -> dict[str, datetime]:
        """When each export runs next, of those whose schedule is on."""
        on = switches(self.instance)
        return {
            definition.name: next_tick(definition.schedule, now)
            for definition in self.project.loaded.definitions
            if definition.schedule and self.location.schedule_name(definition) in on
        }

    def is_scheduled(self, definition: ExportDefinition) -> bool:
        """Whether the export's schedule is turned on."""
        return self.location.schedule_name(definition) in switches(self.instance)

    def silent_daemons(self) -> Sequence[str]:
        """Of Dagster's daemons that runs and schedules need, those that do not answer."""
        from dagster._daemon.controller import get_daemon_statuses

        statuses = get_daemon_statuses(self.instance, DAEMONS)
        return [name for name, status in statuses.items() if not status.healthy]

    def failed_keys(self, run: ObservedRun) -> tuple[str, ...]:
        """Of the windows that failed, in the order of time; all that were asked for where nothing tells which did."""
        if not run.keys:
            return ()
        texts = failures_of(self.instance, run.run_id).texts  # by destination, too, where there is one window
        return tuple(sorted(key for key in texts if run.keys[0] <= key <= run.keys[-1])) or run.keys

    def reason(self, run_id: str) -> str:
        """Why a run failed."""
        texts = failures_of(self.instance, run_id).texts
        began = texts or self.instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_START)
        return "\n".join(dict.fromkeys(texts.values())) or (DIED if began else NOT_STARTED)

    def _observed(self, record: RunRecord) -> ObservedRun:
        run = record.dagster_run
        status = "queued" if run.status in QUEUED else ENDS.get(run.status, "running")
        return ObservedRun(
            run_id=run.run_id,
            status=status,
            window=windows_of(run, self.location),
            keys=window_keys(run, self.location),
            asked_at=record.create_timestamp.astimezone(UTC),
            started_at=_moment(record.start_time),
            ended_at=_moment(record.end_time),
        )


def _moment(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
