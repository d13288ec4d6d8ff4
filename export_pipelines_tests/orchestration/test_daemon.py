"""Dagster's own scheduler daemon over a project's code, with a clock that jumps: what a stopped daemon missed is queued once."""

import logging
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.test_utils import create_test_daemon_workspace_context, freeze_time
from dagster._core.workspace.load_target import PythonFileTarget
from dagster._scheduler.scheduler import launch_scheduled_runs

from export_pipelines.orchestration import open_instance
from export_pipelines.settings import PREFIX
from export_pipelines_tests.orchestration.project import Project

ROOT = Path(__file__).parents[2]
LOGGER = logging.getLogger("test_daemon")


@pytest.fixture
def instance(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """The project's own, as dagster.yaml has it: runs wait in a queue, which nothing takes them from here."""
    settings = project.settings
    values = {
        "HOME": str(settings.home),
        "SOURCE_URL": settings.source_url.get_secret_value(),
        "STORE_URL": settings.store_url,
        "DEFINITIONS": str(settings.definitions),
    }
    for name, value in values.items():
        monkeypatch.setenv(PREFIX + name, value)
    for name in ("DAGSTER_HOME", f"{PREFIX}DAGSTER"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    with open_instance(settings, ROOT, os.environ) as instance:
        yield instance


def test_after_three_days_off_the_missed_days_are_queued_oldest_first_and_once(
    instance: dg.DagsterInstance,
):
    target = PythonFileTarget(
        python_file=str(ROOT / "export_pipelines" / "definitions.py"),
        attribute=None,
        working_directory=str(ROOT),
        location_name="exports",
    )
    with create_test_daemon_workspace_context(target, instance) as context:

        def daily() -> Sequence[dg.DagsterRun]:
            """Of the export: the store is swept every night besides."""
            return instance.get_runs(dg.RunsFilter(job_name="daily"), ascending=True)

        def tick(at: datetime) -> list[str]:
            """The partitions that the daemon queues at this moment."""
            before = {run.run_id for run in daily()}
            with freeze_time(at):
                list(launch_scheduled_runs(context, LOGGER, at, {}))
            new = [run for run in daily() if run.run_id not in before]
            return [run.tags["dagster/partition"] for run in new]

        with freeze_time(datetime(2024, 1, 10, 12, tzinfo=UTC)):
            location = context.create_request_context().get_code_location("exports")
            (repository,) = location.get_repositories().values()
            instance.start_schedule(repository.get_schedule("daily_schedule"))
        assert tick(datetime(2024, 1, 11, 2, 0, 30, tzinfo=UTC)) == ["2024-01-10"]
        back = datetime(2024, 1, 15, 9, tzinfo=UTC)
        assert tick(back) == ["2024-01-11", "2024-01-12", "2024-01-13", "2024-01-14"]
        assert tick(back) == []
        assert tick(datetime(2024, 1, 16, 2, 0, 30, tzinfo=UTC)) == ["2024-01-15"]
        assert {run.status for run in daily()} == {dg.DagsterRunStatus.QUEUED}
