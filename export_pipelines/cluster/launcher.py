"""Dagster's launcher for runs on other machines, by `run_launcher` in dagster.yaml: a message to a worker for each run.

A message may be lost, and come twice. A run lives as long as its lease in the ledger, whatever the broker knows."""

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self

from celery.exceptions import CeleryError
from dagster._core.launcher.base import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster._core.storage.dagster_run import DagsterRun, DagsterRunStatus
from dagster._core.storage.tags import PRIORITY_TAG
from dagster._serdes import ConfigurableClassData
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_RUN_PRIORITY_TAG
from kombu.exceptions import KombuError

from export_pipelines.cluster.celery_app import TASK, broker_of, celery_app, queue_of
from export_pipelines.cluster.requirements import require_servers
from export_pipelines.cluster.versions import announce, program_version, versions_of
from export_pipelines.orchestration.kept_lease import leases_of_process
from export_pipelines.settings import Settings, project_root

PRIORITIES = (0, 3, 6)  # at Redis: before backfills, as backfills, after them
AWAY = (KombuError, CeleryError, OSError)  # what a broker that is away raises


class ClusterRunLauncher(CeleryRunLauncher):
    """Health is the lease; a run that is cancelled says so first, and looks at that every second. While the broker is away
    runs stay in STARTING: the sensor `find_lost_runs` sends their messages again."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(default_queue=queue_of(program_version()), inst_data=inst_data)
        self.celery = celery_app(broker_of(os.environ))
        self._announced: dict[str, str] | None = None

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> Self:
        return cls(inst_data=inst_data)

    @property
    def supports_resume_run(self) -> bool:
        return False

    def launch_run(self, context: LaunchRunContext) -> None:
        """Raises SettingsError, which fails the run, where workers could not see what this process sees."""
        if self._announced is None:
            require_servers(Settings.load(os.environ, project_root(os.environ)), self._instance)
        self.send(context.dagster_run)

    def send(self, run: DagsterRun) -> None:
        """Sends the message of a run, or notes in the run that the broker is away."""
        versions = versions_of(Settings.load(os.environ, project_root(os.environ)))
        if versions != self._announced:
            announce(self._instance, versions)
            self._announced = versions
        task = self.celery.signature(TASK, (run.run_id, versions["definitions"]), immutable=True)
        try:
            self._launch_celery_task_run(_with_priority(run), task, TASK)
        except AWAY as error:
            text = f"The broker is away ({type(error).__name__}); the run is sent again when it is back."
            self._instance.report_engine_event(text, run, cls=type(self))

    def terminate(self, run_id: str) -> bool:
        """Tells the run by its record, at which its worker looks every second; a run that no worker has is over at once."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        if leases_of_process().of(run_id) is None:
            self._instance.report_run_canceled(run)
        elif run.status is not DagsterRunStatus.CANCELING:
            self._instance.report_run_canceling(run)
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """All runs pass for living: the sensor `find_lost_runs` ends those whose lease is over, and knows which are not to be asked
        for again."""
        return CheckRunHealthResult(WorkerStatus.RUNNING)

    def get_run_worker_debug_info(
        self, run: DagsterRun, include_container_logs: bool | None = True
    ) -> str | None:
        lease = leases_of_process().of(run.run_id)
        return f"held by {lease.holder}, last heard of at {lease.seen_at:%H:%M:%S}" if lease else "no worker"


def _with_priority(run: DagsterRun) -> DagsterRun:
    """The run as it is sent: what Dagster's queue lets go first, a worker takes first. 0 is the first at Redis."""
    priority = 0
    with suppress(ValueError):  # Dagster's queue takes such a tag for 0, too
        priority = int(run.tags.get(PRIORITY_TAG, "0"))
    step = PRIORITIES[0 if priority > 0 else 1 if priority == 0 else 2]
    return run.with_tags({**run.tags, DAGSTER_CELERY_RUN_PRIORITY_TAG: str(step)})
