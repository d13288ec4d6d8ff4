"""Dagster's own scheduler daemon over a project's code, with a clock that jumps: what a stopped daemon missed is queued once."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

import dagster as dg
from dagster._core.test_utils import create_test_daemon_workspace_context, freeze_time
from dagster._scheduler.scheduler import launch_scheduled_runs

from export_pipelines_tests.orchestration.project import TARGET

LOGGER = logging.getLogger("test_daemon")


def test_after_three_days_off_the_missed_days_are_queued_oldest_first_and_once(
    own_instance: dg.DagsterInstance,
) -> None:
    with create_test_daemon_workspace_context(TARGET, own_instance) as context:

        def daily() -> Sequence[dg.DagsterRun]:
            """Of the export: the store is swept every night besides."""
            return own_instance.get_runs(dg.RunsFilter(job_name="daily"), ascending=True)

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
            own_instance.start_schedule(repository.get_schedule("daily_schedule"))
        assert tick(datetime(2024, 1, 11, 2, 0, 30, tzinfo=UTC)) == ["2024-01-10"]
        back = datetime(2024, 1, 15, 9, tzinfo=UTC)
        assert tick(back) == ["2024-01-11", "2024-01-12", "2024-01-13", "2024-01-14"]
        assert tick(back) == []
        assert tick(datetime(2024, 1, 16, 2, 0, 30, tzinfo=UTC)) == ["2024-01-15"]
        assert {run.status for run in daily()} == {dg.DagsterRunStatus.QUEUED}
