"""Backfills: ranges of partitions, those that failed, and those that are done already."""

import gc
import shutil
from pathlib import Path

import dagster as dg
import pytest

from export_pipelines.errors import WindowError
from export_pipelines.orchestration import backfill
from export_pipelines_tests.orchestration.project import DAILY, NOW, WHOLE, Project, now
from export_pipelines_tests.orchestration.test_failures import MONDAYS, block
from export_pipelines_tests.run.heard import Heard


@pytest.mark.usefixtures("ranges_of_three")
def test_a_backfill_runs_ranges_and_counts_the_partitions(
    project: Project, instance: dg.DagsterInstance
) -> None:
    heard = Heard()
    done = backfill(
        project.opened(now),
        "daily",
        "2024-01-30",
        "2024-02-02",
        instance=instance,
        observer=heard,
    )
    assert done.exit_code == 0 and len(done.outcomes) == 2 and len(done.manifests) == 4
    assert sum(manifest.rows for manifest in done.manifests) == 20
    assert [run.window for run in heard.runs] == [manifest.window.key for manifest in done.manifests]
    assert len(heard.written) == 4
    assert {run.tags["export/backfill"] for run in instance.get_runs()} == {done.id}


def test_a_backfill_collects_the_partitions_that_failed(
    project: Project, instance: dg.DagsterInstance
) -> None:
    project.write("daily", MONDAYS)
    done = backfill(project.opened(now), "daily", "2024-01-05", "2024-01-16", instance=instance)
    assert sorted(done.failures) == ["2024-01-08", "2024-01-15"] and done.exit_code == 1
    assert len(done.manifests) == 10


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        ("2024-01-05", "2024-01-04", "before the first"),
        ("2024-01-05", "2024-02-20", "not complete"),
        ("2023-12-05", "2024-01-04", "before the first one"),
    ],
)
def test_a_wrong_range_makes_no_run(
    project: Project, instance: dg.DagsterInstance, first: str, last: str, text: str
) -> None:
    with pytest.raises(WindowError, match=text):
        backfill(project.opened(now), "daily", first, last, instance=instance)
    assert instance.get_runs() == []


def test_an_export_without_partitions_has_nothing_to_backfill(
    project: Project, instance: dg.DagsterInstance
) -> None:
    project.write("whole", WHOLE)
    with pytest.raises(WindowError, match="no partitions to fill"):
        backfill(project.opened(now), "whole", "2024-01-01", "2024-01-02", instance=instance)


def test_a_backfill_leaves_out_what_is_done_unless_forced(
    project: Project, instance: dg.DagsterInstance
) -> None:
    in_the_way = block(project, "2024-01-07")
    first = backfill(project.opened(now), "daily", "2024-01-05", "2024-01-08", instance=instance)
    assert set(first.failures) == {"2024-01-07"} and not first.skipped
    in_the_way.unlink()
    heard = Heard()
    second = backfill(
        project.opened(now),
        "daily",
        "2024-01-04",
        "2024-01-09",
        instance=instance,
        observer=heard,
    )
    assert second.skipped == ("2024-01-05", "2024-01-06", "2024-01-08")
    assert [manifest.window.key for manifest in second.manifests] == [
        "2024-01-04",
        "2024-01-07",
        "2024-01-09",
    ]
    assert [run.window for run in heard.runs] == ["2024-01-04", "2024-01-07", "2024-01-09"]
    assert second.exit_code == 0
    forced = backfill(project.opened(now), "daily", "2024-01-04", "2024-01-05", instance=instance, force=True)
    assert len(forced.manifests) == 2 and not forced.skipped


def test_a_partition_of_another_definition_or_without_its_artifact_is_not_done(
    project: Project, instance: dg.DagsterInstance
) -> None:
    def filled() -> list[str]:
        done = backfill(project.opened(now), "daily", "2024-01-05", "2024-01-06", instance=instance)
        return [manifest.window.key for manifest in done.manifests]

    assert filled() == ["2024-01-05", "2024-01-06"]
    gone = next(
        manifest for manifest in project.store.manifests("daily") if manifest.window.key == "2024-01-06"
    )
    shutil.rmtree(Path(project.settings.store_url) / gone.artifact)
    assert filled() == ["2024-01-06"]
    project.write("daily", DAILY.replace("outcome, price", "outcome") + "version: 2\n")
    assert filled() == ["2024-01-05", "2024-01-06"]


def test_a_new_destination_runs_no_history_again(project: Project, instance: dg.DagsterInstance) -> None:
    first = backfill(project.opened(now), "daily", "2024-01-05", "2024-01-06", instance=instance)
    project.write("daily", DAILY + '  - folder: {path: "copy/{{date}}"}\n')
    again = backfill(project.opened(now), "daily", "2024-01-05", "2024-01-07", instance=instance)
    assert again.skipped == tuple(manifest.window.key for manifest in first.manifests)
    assert [manifest.window.key for manifest in again.manifests] == ["2024-01-07"]


def test_weeks_of_a_month_are_partitions(project: Project, instance: dg.DagsterInstance) -> None:
    project.write("weeks", WHOLE.replace("partition: null", "partition: {every: week, of: month}"))
    done = backfill(project.opened(now), "weeks", "2023-12-22", "2024-01-22", instance=instance)
    assert [(manifest.window.key, manifest.rows) for manifest in done.manifests] == [
        ("2023-12-22", 0),
        ("2024-01-01", 70),
        ("2024-01-08", 70),
        ("2024-01-15", 70),
        ("2024-01-22", 100),
    ]
    partitions = project.definitions().resolve_assets_def(dg.AssetKey(["lead", "weeks"])).partitions_def
    assert partitions and partitions.get_partition_keys(current_time=NOW)[-3:] == [
        "2024-01-22",
        "2024-02-01",
        "2024-02-08",
    ]


def test_objects_that_others_have_set_aside_stay_there(
    project: Project, instance: dg.DagsterInstance
) -> None:
    """And its own are collected again afterwards."""
    gc.freeze()
    backfill(project.opened(now), "daily", "2024-01-05", "2024-01-05", instance=instance)
    assert gc.get_freeze_count() > 0
    gc.unfreeze()
    try:
        backfill(project.opened(now), "daily", "2024-01-06", "2024-01-06", instance=instance)
        assert gc.get_freeze_count() == 0
    finally:
        gc.freeze()  # as the tests have it
