"""The windows of runs that are queued or going on."""

from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.storage.dagster_run import RunRecord

from export_pipelines.definition import ExportDefinition
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.run_tags import (
    PARTITION_TAG,
    RANGE_END,
    RANGE_START,
    SENSOR_TAG,
    WINDOW_TAG,
)

SENSOR_RESUMES = timedelta(days=1)  # how long Dagster goes on with what a sensor asked for
LIVING = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.MANAGED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


class RunningWindows:
    """Which windows such runs cover, whoever asked for them."""

    def __init__(
        self,
        location: CodeLocation,
        definition: ExportDefinition,
        instance: dg.DagsterInstance,
        own: frozenset[str],
    ) -> None:
        statuses = [*LIVING, dg.DagsterRunStatus.NOT_STARTED]
        key, job = location.asset_key(definition), location.job_name(definition)
        now = location.project.now()
        self.runs = [
            record.dagster_run
            for record in instance.get_run_records(dg.RunsFilter(statuses=statuses))
            if record.dagster_run.run_id not in own
            and (record.dagster_run.job_name == job or key in (record.dagster_run.asset_selection or ()))
            and _lives(record, now)
        ]

    def covers(self, key: str) -> bool:
        return any(
            key in (run.tags.get(PARTITION_TAG), run.tags.get(WINDOW_TAG))
            or run.tags.get(RANGE_START, "~") <= key <= run.tags.get(RANGE_END, "")
            for run in self.runs
        )


def _lives(record: RunRecord, now: datetime) -> bool:
    """A run that was made and never queued is forgotten, unless a sensor made it, which Dagster lets go on."""
    run = record.dagster_run
    if run.status is not dg.DagsterRunStatus.NOT_STARTED:
        return True
    return SENSOR_TAG in run.tags and record.create_timestamp.astimezone(UTC) > now - SENSOR_RESUMES
