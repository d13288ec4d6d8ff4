"""A definition that breaks or goes away while its schedule is on: told once, red in its place, and as before when mended."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from export_pipelines.definition.remembered import FILE, read_known
from export_pipelines.orchestration.jobs import QUIET
from export_pipelines_tests.dagster_storage import stored_instance
from export_pipelines_tests.orchestration.project import DAILY, NOW, Project, failure
from export_pipelines_tests.orchestration.watching import Watched, schedules_on, turn_off, turn_on

KEY = dg.AssetKey(["lead", "daily"])
BROKEN = DAILY.replace("email", "emial")


@pytest.fixture
def watched(project: Project) -> Iterator[Watched]:
    with stored_instance() as instance:
        turn_on(instance, "daily_schedule", NOW - timedelta(hours=1))
        watched = Watched(project, instance)
        watched.tick()
        yield watched


def broken(watched: Watched, text: str = BROKEN) -> dg.Definitions:
    watched.project.write("daily", text)
    watched.tick()
    return watched.project.definitions()


def test_a_definition_that_breaks_is_told_once_and_again_when_it_breaks_again(watched: Watched) -> None:
    broken(watched)
    ((export, text),) = watched.alerts()
    assert (
        export == "daily" and "its schedule is on" in text and 'daily.yaml:5: unknown field "emial"' in text
    )
    watched.project.write("daily", DAILY)
    watched.tick(timedelta(minutes=5))
    watched.project.write("daily", BROKEN)
    watched.tick(timedelta(minutes=9))
    assert len(watched.noted()) == 2


def test_it_is_told_before_anybody_reloads_the_definitions(watched: Watched) -> None:
    defs = watched.project.definitions()
    watched.project.write("daily", BROKEN)
    watched.tick(defs=defs)
    assert [export for export, _ in watched.noted()] == ["daily"] and watched.check("daily") == "FAILED"
    watched.project.write("daily", DAILY)
    watched.tick(defs=defs)
    assert watched.check("daily") == "SUCCEEDED"


def test_it_stands_red_under_its_key_with_partitions_and_schedule(watched: Watched) -> None:
    defs = broken(watched, "type: report\nformat: [")
    dg.Definitions.validate_loadable(defs)
    asset = defs.resolve_assets_def(KEY)
    spec = asset.get_asset_spec()
    assert spec.group_name == "lead" and "daily.yaml:2" in str(spec.description)
    assert asset.partitions_def == daily_partitions(watched)
    assert defs.resolve_schedule_def("daily_schedule").cron_schedule == "0 2 * * *"
    assert watched.check("daily") == "FAILED"


def daily_partitions(watched: Watched) -> dg.PartitionsDefinition | None:
    watched.project.write("other", DAILY.replace("backup", "other"))
    return watched.project.definitions().resolve_assets_def(dg.AssetKey(["lead", "other"])).partitions_def


def test_materializing_it_fails_with_the_reason(watched: Watched) -> None:
    broken(watched)
    result = watched.materialize("daily", partition_key="2024-01-15")
    assert 'did you mean "email"?' in failure(result)["lead__daily"]
    (run,) = watched.runs_of("daily")
    assert run.status is dg.DagsterRunStatus.FAILURE


def test_a_run_that_was_launched_before_it_broke_or_before_it_was_mended_is_no_crash(
    watched: Watched,
) -> None:
    """As Dagster does it: the run is made from one state of the file, and a process of its own reads the next."""
    for before, after, ends_well in ((DAILY, BROKEN, False), (BROKEN, DAILY, True)):
        watched.project.write("daily", before)
        watched.tick()
        job = watched.project.definitions().resolve_implicit_global_asset_job_def()
        checks = frozenset(job.asset_layer.asset_graph.get(KEY).check_keys)
        watched.project.write("daily", after)
        watched.tick()
        job = watched.project.definitions().resolve_implicit_global_asset_job_def()
        job = job.get_subset(asset_selection={KEY}, asset_check_selection=checks)
        tags = {"dagster/partition": "2024-01-15"}
        run = job.execute_in_process(
            raise_on_error=False, instance=watched.instance, tags=tags, run_config=QUIET
        )
        assert run.success is ends_well
        assert ends_well or 'did you mean "email"?' in failure(run)["lead__daily"]


def test_a_tick_of_its_schedule_fails_with_the_reason(watched: Watched) -> None:
    defs = broken(watched)
    context = dg.build_schedule_context(instance=watched.instance, scheduled_execution_time=NOW)
    with pytest.raises(Exception, match="schedule") as caught:
        defs.resolve_schedule_def("daily_schedule").evaluate_tick(context)
    assert "daily was not exported" in str(caught.value.__cause__)


def test_once_mended_it_is_as_before(watched: Watched) -> None:
    broken(watched)
    watched.project.write("daily", DAILY)
    watched.tick()
    assert watched.check("daily") == "SUCCEEDED" and schedules_on(watched.instance) == {"daily_schedule"}
    assert watched.materialize("daily", partition_key="2024-01-15").success
    assert watched.check("daily") == "SUCCEEDED"


def test_with_its_schedule_off_it_is_red_and_nobody_is_told(watched: Watched) -> None:
    turn_off(watched.instance, "daily_schedule")
    broken(watched)
    assert watched.alerts() == [] and watched.check("daily") == "FAILED"


def test_a_deleted_file_is_told_and_stands_red_until_its_schedule_is_off(watched: Watched) -> None:
    (watched.project.settings.definitions / "daily.yaml").unlink()
    ((export, text),) = watched.alerts()
    assert export == "daily" and "the file is not there" in text and "renamed_from: daily" in text
    defs = watched.project.definitions()
    assert defs.resolve_assets_def(KEY).partitions_def and defs.resolve_schedule_def("daily_schedule")
    assert (
        "the file is not there"
        in failure(watched.materialize("daily", partition_key="2024-01-15"))["lead__daily"]
    )
    turn_off(watched.instance, "daily_schedule")
    watched.tick()
    assert KEY not in watched.project.definitions().resolve_asset_graph().get_all_asset_keys()


def test_a_deleted_file_whose_schedule_is_off_is_no_matter(watched: Watched) -> None:
    turn_off(watched.instance, "daily_schedule")
    watched.tick()
    (watched.project.settings.definitions / "daily.yaml").unlink()
    assert watched.alerts() == []


def test_what_is_remembered_may_be_damaged_or_gone(watched: Watched) -> None:
    file = watched.project.settings.home / FILE
    assert file.stat().st_mode & 0o777 == 0o600
    for content in (b"", b"{", b'{"daily": 3}', b"\xff"):
        file.write_bytes(content)
        assert read_known(watched.project.settings.home) == {}
        watched.tick()
        assert read_known(watched.project.settings.home)["daily"].on


NEXT_TICK = (NOW + timedelta(days=1)).replace(hour=2, minute=0, second=0)


def test_a_hundred_and_one_schedules_are_on_and_the_last_does_nothing(watched: Watched) -> None:
    project, instance = watched.project, watched.instance
    for number in range(104):
        name = f"export_{number:03}"
        project.write(name, DAILY.replace("backup", name))
    for number in range(100):
        turn_on(instance, f"export_{number:03}_schedule", NOW - timedelta(minutes=30 - number / 10))
    defs = project.definitions()
    repository = defs.get_repository_def()

    def tick(name: str) -> Any:
        context = dg.build_schedule_context(
            instance=instance, scheduled_execution_time=NEXT_TICK, repository_def=repository
        )
        return defs.resolve_schedule_def(f"{name}_schedule").evaluate_tick(context)

    assert len(schedules_on(instance)) == 101
    assert len(tick("daily").run_requests or ()) == 1 and len(tick("export_098").run_requests or ()) == 1
    refused = tick("export_099")
    assert not refused.run_requests and "100 schedules are on already" in str(refused.skip_message)
    watched.tick()
    ((export, text),) = watched.noted()
    assert export == "export_099" and "100 schedules are on already" in text
    turn_off(instance, "export_007_schedule")
    assert len(tick("export_099").run_requests or ()) == 1
    assert len(watched.alerts()) == 1
