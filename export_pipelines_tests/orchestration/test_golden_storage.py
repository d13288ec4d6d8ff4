"""What an earlier release left in Dagster's storage, ledger and store is today's history: seen, delivered, and not made again.

`golden/storage_1.tar.xz` holds two exports, of which `daily` has four days (three by a backfill, one by its schedule, which
is on since 2024-01-14 01:00) and `weeks` one week. Its source is not there: nothing may be exported again."""

import os
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from export_pipelines import Project
from export_pipelines.artifacts import verify
from export_pipelines.orchestration import backfill, build_definitions, open_instance, redeliver
from export_pipelines.orchestration.active_limit import running_schedules
from export_pipelines_tests.orchestration.scheduled import day

GOLDEN = sorted((Path(__file__).parent / "golden").glob("storage_*.tar.xz"))
DAYS = [f"2024-01-{number}" for number in (13, 14, 15, 16)]
WEEK = "2024-01-07"


@pytest.fixture(params=GOLDEN, ids=lambda file: file.name.removesuffix(".tar.xz"))
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    with tarfile.open(request.param) as archive:
        archive.extractall(tmp_path, filter="data")
    return Project.open(tmp_path, {}, lambda: datetime(2024, 1, 18, 8, tzinfo=UTC))


@pytest.fixture
def instance(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    for name in ("DAGSTER_HOME", "EXPORT_PIPELINES_DAGSTER"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    with open_instance(project.settings, project.root, os.environ) as instance:
        yield instance


def test_its_artifacts_are_listed_and_whole(project: Project) -> None:
    listing = project.store.listing()
    assert listing.damaged == {}
    assert sorted((manifest.export, manifest.window.key) for manifest in listing.manifests) == [
        *(("daily", key) for key in DAYS),
        ("weeks", WEEK),
    ]
    assert [verify(project.store, manifest.artifact) for manifest in listing.manifests] == [[]] * 5
    assert len(project.ledger.deliveries("daily")) == len(DAYS)


def test_its_assets_have_their_history_under_the_same_keys(
    project: Project, instance: dg.DagsterInstance
) -> None:
    keys = {"daily": dg.AssetKey(["lead", "daily"]), "weeks": dg.AssetKey(["lead", "weeks"])}
    defs = build_definitions(project)
    assert set(keys.values()) <= defs.resolve_asset_graph().get_all_asset_keys()
    assert instance.get_materialized_partitions(keys["daily"]) == set(DAYS)
    assert instance.get_materialized_partitions(keys["weeks"]) == {WEEK}
    for export, key in keys.items():
        for record in instance.fetch_materializations(key, limit=9).records:
            assert record.asset_materialization
            window = record.asset_materialization.partition
            rows = record.asset_materialization.metadata["rows"].value
            assert rows == project.manifest(f"{export}/{window}").rows


def test_no_backfill_exports_again_what_is_done(project: Project, instance: dg.DagsterInstance) -> None:
    done = backfill(project, "daily", DAYS[0], DAYS[-1], instance=instance)
    assert (list(done.skipped), done.outcomes) == (DAYS, ())
    done = backfill(project, "weeks", WEEK, WEEK, instance=instance)
    assert (done.skipped, done.outcomes) == ((WEEK,), ())


def test_no_schedule_asks_again_for_what_is_done(project: Project, instance: dg.DagsterInstance) -> None:
    assert list(running_schedules(instance)) == ["daily_schedule"]
    defs = build_definitions(project)
    schedule = defs.resolve_schedule_def("daily_schedule")

    context = dg.build_schedule_context(
        instance=instance, scheduled_execution_time=day(18), repository_def=defs.get_repository_def()
    )
    asked = [
        str(run_request.partition_key) for run_request in schedule.evaluate_tick(context).run_requests or ()
    ]
    assert asked == ["2024-01-17"]  # the day that nobody exported; since it is on, four were due


def test_its_artifacts_are_delivered_again(project: Project, instance: dg.DagsterInstance) -> None:
    (week,) = project.ledger.deliveries("weeks")
    assert redeliver(project, [week.id], True, instance=instance).failures == {}
    (file,) = (project.settings.home / "delivered" / "weeks" / WEEK).glob("*.parquet")
    (part,) = project.manifest(f"weeks/{WEEK}").parts
    assert file.stat().st_size == part.bytes
