"""What a schedule owes: the windows since it was turned on that the ledger does not show as written and delivered.

Nothing is written here, so a tick may be evaluated as often as Dagster likes: what its own runs did is left out, and it gives
the same list."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg
from dagster._core.storage.dagster_run import RunRecord

from export_pipelines.definition import ExportDefinition
from export_pipelines.errors import ExportError
from export_pipelines.ledger import WindowRecord
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.run_tags import (
    ATTEMPT_TAG,
    SCHEDULE_TAG,
    TICK_TAG,
    WINDOW_TAG,
)
from export_pipelines.orchestration.running_windows import RunningWindows
from export_pipelines.orchestration.scheduled_windows import BY_SCHEDULE, WindowRequest, requests_at
from export_pipelines.orchestration.switches import Switch
from export_pipelines.orchestration.ticks import next_tick
from export_pipelines.plan import Plan, Window, compile_plan
from export_pipelines.plan.fingerprint import fingerprint, is_comparable
from export_pipelines.plan.window import WHOLE_KEY, before
from export_pipelines.project import Project


@dataclass(frozen=True)
class Due:
    """A window that has to be asked for, the `attempt`th time; `runs` are those of the attempts before, oldest first."""

    request: WindowRequest
    attempt: int
    runs: tuple[RunRecord, ...] = ()

    @property
    def asked_at(self) -> datetime | None:
        """When it was asked for the first time."""
        return self.runs[0].create_timestamp.astimezone(UTC) if self.runs else None

    @property
    def ended_at(self) -> datetime | None:
        """When the last attempt ended."""
        if not self.runs:
            return None
        end = self.runs[-1].end_time
        return datetime.fromtimestamp(end, UTC) if end else self.runs[-1].update_timestamp.astimezone(UTC)


def due_windows(
    location: CodeLocation,
    definition: ExportDefinition,
    instance: dg.DagsterInstance,
    switch: Switch | None,
    at: datetime,
    tick: bool = False,
) -> list[Due]:
    """What the export's schedule owes at its tick `at`, oldest first; without a `switch` it is off, and owes one window.

    Windows that a run or a delivery has in hand are left out, also one that may have arrived. With `tick`, what the runs of
    this very tick did is not looked at.
    """
    own = _own_runs(location, instance, definition, at) if tick else frozenset()
    requests = list(requests_at(definition, location, instance, switch, at, own))
    records = (
        location.project.ledger.windows(definition.name, _first_key(definition, requests)) if requests else []
    )
    book = _Book(location.project, definition, at, [record for record in records if record.run_id not in own])
    running = RunningWindows(location, definition, instance, own)
    open_requests = [
        request for request in requests if not book.settles(request) and not running.covers(request.key)
    ]
    runs = _runs_for(location.job_name(definition), instance, [request.key for request in open_requests], own)
    return [
        Due(request, _attempts(runs.get(request.key, ())) + 1, tuple(runs.get(request.key, ())))
        for request in open_requests
    ]


def given_up(definition: ExportDefinition, due: Due, now: datetime) -> bool:
    """Whether its time is over: it was asked for, and failed, for as long as the export says."""
    return due.asked_at is not None and due.asked_at <= before(now, definition.retry_for)


def plan_today(project: Project, definition: ExportDefinition, window: Window) -> Plan | None:
    """The plan that the definition gives today; None where it gives none."""
    try:
        return compile_plan(project.request_to_compare(definition, window))
    except ExportError:
        return None


def _first_key(definition: ExportDefinition, requests: Sequence[WindowRequest]) -> str:
    return min(request.window.key for request in requests) if definition.partition else ""


@dataclass(frozen=True)
class _Book:
    """What the ledger shows."""

    project: Project
    definition: ExportDefinition
    at: datetime
    records: Sequence[WindowRecord]

    def settles(self, request: WindowRequest) -> bool:
        """Whether the window needs no run: it arrived, is on its way, or may have arrived, of which a person was told."""
        mine = [
            record
            for record in self.records
            if record.window_key == request.window.key and self._counts(record, request)
        ]
        return any(
            record.arrived or record.missing & {"due", "sending", "retrying", "uncertain"} for record in mine
        )

    def _counts(self, record: WindowRecord, request: WindowRequest) -> bool:
        """Whether the artifact is what the schedule would make. What was exported by hand has to have today's content, but
        not for ever: else a definition that changes would export again what was done long ago."""
        if request.window.key == WHOLE_KEY:
            return not record.overridden and record.created_at >= self.at
        if record.overridden or record.window_end not in (None, request.window.end):
            return False
        comparable = is_comparable(record.fingerprint)
        if record.origin == BY_SCHEDULE or not comparable or not self._is_fresh(request.window):
            return True
        plan = plan_today(self.project, self.definition, request.window)
        return plan is not None and record.fingerprint == fingerprint(plan)

    def _is_fresh(self, window: Window) -> bool:
        cron = self.definition.schedule
        assert cron
        return next_tick(cron, window.end) > before(self.at, self.definition.retry_for)


def _own_runs(
    location: CodeLocation, instance: dg.DagsterInstance, definition: ExportDefinition, at: datetime
) -> frozenset[str]:
    tags = {
        SCHEDULE_TAG: location.schedule_name(definition),
        TICK_TAG: at.astimezone(UTC).isoformat(),
    }
    return frozenset(run.run_id for run in instance.get_runs(dg.RunsFilter(tags=tags)))


def _runs_for(
    job: str, instance: dg.DagsterInstance, keys: Sequence[str], own: frozenset[str]
) -> Mapping[str, list[RunRecord]]:
    """The runs that the schedule asked for, by window, oldest first."""
    runs: dict[str, list[RunRecord]] = {}
    for some in _chunks(keys):
        wanted = dg.RunsFilter(job_name=job, tags={WINDOW_TAG: some})
        for record in instance.get_run_records(wanted, ascending=True):
            if record.dagster_run.run_id not in own:
                runs.setdefault(record.dagster_run.tags[WINDOW_TAG], []).append(record)
    return runs


def _chunks(keys: Sequence[str], size: int = 500) -> Iterator[Sequence[str]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))


def _attempts(runs: Iterable[RunRecord]) -> int:
    """The highest number that was given; a person may have deleted runs, and copied one by running it again."""
    numbers = (run.dagster_run.tags.get(ATTEMPT_TAG, "1") for run in runs)
    return max((int(number) for number in numbers if number.isdigit()), default=0)
