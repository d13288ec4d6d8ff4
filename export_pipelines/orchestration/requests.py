"""Requests over HTTP as runs: submitted to Dagster's queue under an id chosen before, and what became of them."""

import logging
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._core.code_pointer import CodePointer
from dagster._core.origin import DEFAULT_DAGSTER_ENTRY_POINT, JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.remote_origin import CodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.run_coordinator import SubmitRunContext
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG, PRIORITY_TAG, WILL_RETRY_TAG
from dagster._core.workspace.load import location_origin_from_module_name, location_origins_from_yaml_paths

from export_pipelines.definition import ExportDefinition
from export_pipelines.errors import ExportError, RequestError, RetryableError
from export_pipelines.ledger import ExportRequest
from export_pipelines.logs import failure
from export_pipelines.orchestration.build import definitions_of
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.delivery_retries import DELIVER_AGAIN, send_config
from export_pipelines.orchestration.failed_runs import DIED, NOT_STARTED
from export_pipelines.orchestration.failures import failures_of
from export_pipelines.orchestration.jobs import QUIET
from export_pipelines.orchestration.observed_instance import ENDED
from export_pipelines.orchestration.op_bodies import ANY_HOUR, tags_of
from export_pipelines.orchestration.run_tags import (
    AFTER_BACKFILLS,
    ASKED_BY,
    EXPORT_TAG,
    ON_DEMAND,
    ORIGIN,
    PARTITION_TAG,
    REQUEST_TAG,
    REQUESTER_TAG,
)
from export_pipelines.plan.plan import iso
from export_pipelines.plan.window import WHOLE_KEY
from export_pipelines.project import Project

log = logging.getLogger(__name__)

DEFINITIONS = "export_pipelines.definitions"
REPOSITORY = "__repository__"  # as Dagster calls one that is made of `Definitions`
BY_REQUEST = "api"
QUEUED = (dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.QUEUED)


@dataclass(frozen=True)
class RunState:
    """`status` is created, processing, complete or error; `reason` says why it ended with an error. A run that was created and
    is not in the queue has to be submitted again."""

    status: str
    reason: str | None = None
    is_queued: bool = True


class RequestedRuns:
    """The runs of requests, on Dagster's `instance` of the project. Its definitions are built once; `renew` reads them again."""

    def __init__(self, project: Project, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.origin = _code_location_origin(project)
        self.renew(project)

    def renew(self, project: Project) -> None:
        self.project = project
        self._location = CodeLocation(project)
        self._definitions = definitions_of(self._location, quiet=True)
        self._jobs: dict[str, dg.JobDefinition] = {}

    def close(self) -> None:
        """With the events that were not stored yet: where they cannot be, the UI lacks them, and what was exported stays as it is."""
        try:
            self.instance.dispose()
        except Exception as error:
            log.error("Dagster's last events were not stored", extra=failure(error))

    def submit(self, request: ExportRequest, definition: ExportDefinition) -> None:
        """Queues the run of a request; saying it again changes nothing. Raises RetryableError while another process does it,
        or where Dagster cannot be reached."""
        with self.project.ledger.locks.hold(f"request {request.id}") as ours:
            if not ours:
                raise RetryableError("another process is submitting it right now", where=request.id)
            try:
                run = self.instance.get_run_by_id(request.run_id) or self._create(request, definition)
                if run.status == dg.DagsterRunStatus.NOT_STARTED:
                    self.instance.run_coordinator.submit_run(SubmitRunContext(run, workspace=None))  # type: ignore[arg-type]  # the queue asks for none
            except (ExportError, dg.DagsterInvalidConfigError):
                raise
            except Exception as error:
                raise RetryableError(
                    f"Dagster cannot take the run now: {type(error).__name__}",
                    where=request.id,
                    remedy="it is submitted again by itself; `export-pipelines ui` starts Dagster",
                ) from error

    def submit_delivery(self, delivery: str, again: bool, principal: str) -> str:
        """Queues one more attempt at a delivery of the ledger; gives the run's id."""
        config = {**send_config([delivery], again), **QUIET}
        tags = {ORIGIN: BY_REQUEST, ASKED_BY: principal}
        run = self._create_run(self._location.named(DELIVER_AGAIN), str(uuid.uuid4()), config, tags)
        self.instance.run_coordinator.submit_run(SubmitRunContext(run, workspace=None))  # type: ignore[arg-type]
        return run.run_id

    def states(self, run_ids: Sequence[str]) -> dict[str, RunState]:
        """What became of runs, by their ids; those that Dagster does not know are left out. Of those that wait, which may be
        many, ids are read alone."""
        if not run_ids:
            return {}
        waiting = {
            id: RunState("created", is_queued=status == dg.DagsterRunStatus.QUEUED)
            for status in QUEUED
            for id in self.instance.get_run_ids(dg.RunsFilter(run_ids=run_ids, statuses=[status]))
        }
        begun = [status for status in dg.DagsterRunStatus if status not in QUEUED]
        runs = self.instance.get_runs(dg.RunsFilter(run_ids=run_ids, statuses=begun))
        return waiting | {run.run_id: self._state(self._last(run)) for run in runs}

    def cancel(self, run_id: str) -> None:
        """Ends a run that has not ended, or the one in its place."""
        run = self.instance.get_run_by_id(run_id)
        run = run and self._last(run)
        if run is None or run.is_finished:
            return
        if run.status in QUEUED:
            self.instance.run_coordinator.cancel_run(run.run_id)
        else:
            self.instance.run_launcher.terminate(run.run_id)

    def daemon_is_healthy(self) -> bool:
        """Whether something takes runs from the queue."""
        from dagster._daemon.controller import get_daemon_statuses

        statuses = get_daemon_statuses(self.instance, ["QUEUED_RUN_COORDINATOR"])
        return all(status.healthy for status in statuses.values())

    def _last(self, run: dg.DagsterRun) -> dg.DagsterRun:
        """The run in the place of one whose worker was lost."""
        while run.status is dg.DagsterRunStatus.FAILURE and AUTO_RETRY_RUN_ID_TAG in run.tags:
            again = self.instance.get_run_by_id(run.tags[AUTO_RETRY_RUN_ID_TAG])
            if again is None:
                return run
            run = again
        return run

    def _state(self, run: dg.DagsterRun) -> RunState:
        if run.status == dg.DagsterRunStatus.SUCCESS:
            return RunState("complete")
        if run.status not in ENDED or _is_asked_for_again(run):
            return RunState("processing")
        if run.status == dg.DagsterRunStatus.CANCELED:
            return RunState("error", "the run was cancelled")
        texts = failures_of(self.instance, run.run_id).texts
        began = texts or self.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_START)
        died = DIED if began else NOT_STARTED
        return RunState("error", "\n".join(dict.fromkeys(texts.values())) or died)

    def _create(self, request: ExportRequest, definition: ExportDefinition) -> dg.DagsterRun:
        name, config, tags = self._asked(request, definition)
        return self._create_run(name, request.run_id, config, tags)

    def _create_run(
        self, name: str, run_id: str, config: Mapping[str, Any], tags: Mapping[str, str]
    ) -> dg.DagsterRun:
        """Not queued yet; as the UI would make it, so that the UI shows it under its job."""
        job = self._jobs.get(name) or self._jobs.setdefault(name, self._definitions.resolve_job_def(name))
        repository = RepositoryPythonOrigin(
            sys.executable,
            CodePointer.from_module(DEFINITIONS, "defs", working_directory=str(self.project.root)),
            entry_point=DEFAULT_DAGSTER_ENTRY_POINT,
        )
        return self.instance.create_run_for_job(
            job,
            run_id=run_id,
            run_config=config,
            tags={**job.run_tags, **tags},
            status=dg.DagsterRunStatus.NOT_STARTED,
            remote_job_origin=RemoteJobOrigin(RemoteRepositoryOrigin(self.origin, REPOSITORY), name),
            job_code_origin=JobPythonOrigin(name, repository),
        )

    def _asked(
        self, request: ExportRequest, definition: ExportDefinition
    ) -> tuple[str, Mapping[str, Any], Mapping[str, str]]:
        """The job, its configuration and the tags of the run."""
        location = self._location
        asker = request.requester if self.project.access.read() else None
        tags = {
            REQUEST_TAG: request.id,
            REQUESTER_TAG: request.requester,
            ORIGIN: BY_REQUEST,
            ASKED_BY: request.requester,
            PRIORITY_TAG: AFTER_BACKFILLS,
        }
        tags |= {EXPORT_TAG: location.job_name(definition), **tags_of(asker)}
        if request.any_hour:
            tags[ANY_HOUR] = "yes"
        config: dict[str, Any] = dict(request.overrides)
        if request.partition is not None or request.window_key == WHOLE_KEY:
            if request.partition is not None:
                tags[PARTITION_TAG] = request.partition
            nodes = {"ops": {location.node_name(definition): {"config": config}}} if config else {}
            return location.job_name(definition), nodes, tags
        window = {"export": request.export, "start": iso(request.start), "end": iso(request.end)}
        return location.named(ON_DEMAND), {**window, **config}, tags


def _is_asked_for_again(run: dg.DagsterRun) -> bool:
    """Its worker was lost, and the run in its place is not there yet."""
    return run.tags.get(WILL_RETRY_TAG) == "true" and AUTO_RETRY_RUN_ID_TAG not in run.tags


def _code_location_origin(project: Project) -> CodeLocationOrigin:
    """How the UI and the daemon call the code location: by workspace.yaml, or as `export-pipelines ui` does."""
    workspace = project.root / "workspace.yaml"
    if not workspace.is_file():
        return location_origin_from_module_name(DEFINITIONS, None, str(project.root))
    origins = location_origins_from_yaml_paths([str(workspace)])
    for origin in origins:
        target = getattr(origin, "loadable_target_origin", None)
        if target and target.module_name == DEFINITIONS:
            return origin
    raise RequestError(
        f"workspace.yaml has no code location of the module {DEFINITIONS}",
        where=str(workspace),
        remedy="the service submits runs to that code location; `export-pipelines init` writes one",
    )
