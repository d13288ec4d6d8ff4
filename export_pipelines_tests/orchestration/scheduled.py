"""Schedules in tests: turned on as a person does, ticked as the daemon does, their runs made as the queue makes them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
    TickData,
    TickStatus,
)
from dagster._core.storage.tags import SCHEDULED_EXECUTION_TIME_TAG

from export_pipelines.orchestration.jobs import QUIET
from export_pipelines_tests.orchestration.project import Project

DAILY_CRON = "0 2 * * *"


def day(number: int, hour: int = 2, minute: int = 0) -> datetime:
    """Of January 2024."""
    return datetime(2024, 1, number, hour, minute, tzinfo=UTC)


def key(number: int) -> str:
    return f"2024-01-{number:02d}"


def _origin(export: str) -> RemoteInstigatorOrigin:
    location = RegisteredCodeLocationOrigin("exports")
    return RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), f"{export}_schedule")


def turn_on(
    instance: dg.DagsterInstance, since: datetime, export: str = "daily", cron: str = DAILY_CRON
) -> InstigatorState:
    """As a person does in the UI."""
    return instance.add_instigator_state(
        InstigatorState(
            _origin(export),
            InstigatorType.SCHEDULE,
            InstigatorStatus.RUNNING,
            ScheduleInstigatorData(cron, since.timestamp()),
        )
    )


def ticked(
    instance: dg.DagsterInstance,
    at: datetime,
    export: str = "daily",
    status: TickStatus = TickStatus.SKIPPED,
) -> None:
    """Dagster's record of a tick."""
    origin = _origin(export)
    data = TickData(
        instigator_origin_id=origin.get_id(),
        instigator_name=f"{export}_schedule",
        instigator_type=InstigatorType.SCHEDULE,
        status=status,
        timestamp=at.timestamp(),
        selector_id=origin.get_selector().get_id(),
    )
    instance.create_tick(data)


def tick(
    project: Project, at: datetime, instance: dg.DagsterInstance, export: str = "daily", **opened: Any
) -> Any:
    definitions = project.definitions(project.opened(**opened))
    schedule = definitions.resolve_schedule_def(f"{export}_schedule")
    context = dg.build_schedule_context(
        instance=instance, scheduled_execution_time=at, repository_def=definitions.get_repository_def()
    )
    return schedule.evaluate_tick(context)


def keys_of(asked: Any) -> list[str]:
    return [run_request.run_key for run_request in asked.run_requests or ()]


def windows_of(asked: Any) -> list[str]:
    return [run_request.tags["export/window"] for run_request in asked.run_requests or ()]


def tags_of(request: dg.RunRequest, at: datetime, export: str = "daily") -> dict[str, str]:
    """What the daemon's run has besides."""
    return {
        **request.tags,
        "dagster/schedule_name": f"{export}_schedule",
        SCHEDULED_EXECUTION_TIME_TAG: at.isoformat(),
        "dagster/run_key": str(request.run_key),
    }


def run_requests(
    project: Project,
    requests: Sequence[dg.RunRequest],
    at: datetime,
    instance: dg.DagsterInstance,
    export: str = "daily",
    **opened: Any,
) -> list[bool]:
    """Whether the run of each request, in this process, was a success."""
    job = project.definitions(project.opened(**opened)).resolve_job_def(export)
    return [
        job.execute_in_process(
            raise_on_error=False,
            run_config={**request.run_config, **QUIET},
            partition_key=request.partition_key,
            instance=instance,
            tags=tags_of(request, at, export),
        ).success
        for request in requests
    ]


def queue_request(
    project: Project,
    request: dg.RunRequest,
    at: datetime,
    instance: dg.DagsterInstance,
    status: dg.DagsterRunStatus,
) -> None:
    """A run of the request that came no farther than `status`."""
    job = project.definitions().resolve_job_def("daily")
    tags = {**tags_of(request, at), "dagster/partition": str(request.partition_key)}
    instance.create_run_for_job(job, tags=tags, status=status)
