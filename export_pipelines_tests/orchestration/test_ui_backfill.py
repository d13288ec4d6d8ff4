"""A backfill from the UI, and what is executed again of it: partitions that follow each other are one run."""

import logging

import dagster as dg
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.test_utils import create_test_daemon_workspace_context
from dagster._daemon.backfill import execute_backfill_iteration

from export_pipelines.orchestration.run_tags import RANGE_END, RANGE_START
from export_pipelines_tests.orchestration.project import TARGET


def test_five_partitions_that_follow_each_other_are_one_run_and_a_gap_makes_two(
    own_instance: dg.DagsterInstance,
) -> None:
    with create_test_daemon_workspace_context(TARGET, own_instance) as context:

        def ranges(name: str, days: list[int]) -> list[tuple[str | None, str | None]]:
            """The runs that the daemon makes of a backfill of these days."""
            backfill = PartitionBackfill.from_asset_partitions(
                backfill_id=name,
                asset_graph=context.create_request_context().asset_graph,
                partition_names=[f"2024-01-{day:02d}" for day in days],
                asset_selection=[dg.AssetKey(["lead", "daily"])],
                backfill_timestamp=1_800_000_000.0,
                tags={},
                dynamic_partitions_store=own_instance,
                all_partitions=False,
                title=None,
                description=None,
                run_config=None,
            )
            assert backfill.status is BulkActionStatus.REQUESTED
            own_instance.add_backfill(backfill)
            list(execute_backfill_iteration(context, logging.getLogger("test")))
            runs = own_instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": name}), ascending=True)
            return [(run.tags.get(RANGE_START), run.tags.get(RANGE_END)) for run in runs]

        assert ranges("whole", [3, 4, 5, 6, 7]) == [("2024-01-03", "2024-01-07")]
        assert sorted(ranges("gap", [10, 11, 13, 14, 15])) == [
            ("2024-01-10", "2024-01-11"),
            ("2024-01-13", "2024-01-15"),
        ]
