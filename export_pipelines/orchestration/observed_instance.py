"""What Dagster does now, for operators: its daemon's heartbeats, its queue, its backfills, what is late and what failed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import dagster as dg
from dagster._core.execution.backfill import BulkActionsFilter
from dagster._daemon.controller import get_daemon_statuses

from export_pipelines.alerts.rules import LATE_AFTER_HOURS, late_after_hours, load_alerts
from export_pipelines.ledger import Alert
from export_pipelines.orchestration.active_limit import running_schedules
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.failed_runs import UNDERWAY, failed_runs
from export_pipelines.orchestration.late_exports import LateExport, late_exports
from export_pipelines.orchestration.undelivered import undelivered
from export_pipelines.project import Project

ENDED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
UNDERWAY_RUNS = tuple(status for status in dg.DagsterRunStatus if status not in ENDED)


@dataclass(frozen=True)
class Heartbeat:
    """Of one of the daemons that this instance needs; `at` is None while it has never run."""

    daemon: str
    at: datetime | None
    is_healthy: bool


class ObservedInstance:
    """Dagster's `instance` of a project, as it is at `now`."""

    def __init__(self, project: Project, instance: dg.DagsterInstance) -> None:
        self.project, self.instance, self.now = project, instance, project.now()
        self.location = CodeLocation(project)

    def heartbeats(self) -> list[Heartbeat]:
        needed = self.instance.get_required_daemon_types()
        statuses = get_daemon_statuses(self.instance, needed)
        return [
            Heartbeat(name, beat and datetime.fromtimestamp(beat.timestamp, UTC), bool(status.healthy))
            for name, status in sorted(statuses.items())
            for beat in (status.last_heartbeat,)
        ]

    def run_counts(self) -> dict[str, int]:
        """How many runs there are in each state of Dagster's, of those that have not ended."""
        return {
            status.value.lower(): self.instance.get_runs_count(dg.RunsFilter(statuses=[status]))
            for status in UNDERWAY_RUNS
        }

    def longest_wait(self) -> timedelta:
        """Of the runs in the queue; nothing where there are none."""
        queued = dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])
        records = self.instance.get_run_records(queued, limit=1, ascending=True)
        waits = (self.now - record.create_timestamp.astimezone(UTC) for record in records)
        return max(next(waits, timedelta()), timedelta())

    def backfill_counts(self) -> dict[str, int]:
        """How many backfills of the UI there are in each state, of those that have not ended."""
        return {
            status.value.lower(): self.instance.get_backfills_count(BulkActionsFilter(statuses=[status]))
            for status in UNDERWAY
        }

    def late(self) -> list[LateExport]:
        """After the hours of alerts.yaml, or LATE_AFTER_HOURS where no rule concerns the export. Raises DefinitionError."""
        hours = partial(late_after_hours, load_alerts(self.project.settings.alerts))
        on = running_schedules(self.instance)
        return list(late_exports(self.location, on, lambda name: hours(name) or LATE_AFTER_HOURS, self.now))

    def failures(self) -> Sequence[Alert]:
        """Runs that failed for good in the last two days, as the alerts tell them."""
        return list(failed_runs(self.location, self.instance, self.now))

    def undelivered(self) -> Sequence[Alert]:
        """Deliveries that ended badly in the last two days, as the alerts tell them."""
        return list(undelivered(self.project, self.instance, self.now))
