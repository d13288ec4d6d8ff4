import os
from pathlib import Path

import dagster as dg
import pytest
from pydantic import SecretStr

from export_pipelines.orchestration.build import build_definitions
from export_pipelines.orchestration.jobs import QUIET
from export_pipelines.orchestration.run_tags import RANGE_END, RANGE_START
from export_pipelines.project import Project as Opened
from export_pipelines.settings import project_root
from export_pipelines_tests.conftest import REPOSITORY
from export_pipelines_tests.dagster_storage import stored_instance
from export_pipelines_tests.orchestration.project import (
    DAILY,
    Project,
    checks,
    failure,
    materializations,
)

MONDAYS = (
    DAILY + "filter: {weekdays: [monday]}\nlimits: {rows: 5}\n"
)  # ten leads on a Monday, none on other days


def block(project: Project, day: str) -> Path:
    """A file where the folder of `day` has to be."""
    path = project.settings.home / "delivered" / "backup" / day
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("in the way", encoding="utf-8")
    return path


def test_one_bad_partition_of_a_range_is_named_and_the_good_ones_are_materialized(project: Project) -> None:
    project.write("daily", MONDAYS)
    result = project.run("daily", "2024-01-13", "2024-01-17")
    assert not result.success and list(failure(result)) == ["record"]
    text = failure(result)["record"]
    assert text.startswith("1 of 5 partitions failed\n2024-01-15: ") and "the limit is 5" in text
    assert set(materializations(result)) == {"2024-01-13", "2024-01-14", "2024-01-16", "2024-01-17"}


def test_partial_failure_delivers_the_good_partitions(project: Project) -> None:
    project.write("daily", MONDAYS)
    project.run("daily", "2024-01-14", "2024-01-16")
    delivered = {path.name for path in (project.settings.home / "delivered" / "backup").iterdir()}
    assert delivered == {"2024-01-14", "2024-01-16"}


def test_where_every_partition_fails_the_run_stops_at_write(project: Project) -> None:
    project.write("daily", DAILY + "limits: {rows: 5}\n")
    result = project.run("daily", "2024-01-13", "2024-01-14")
    assert list(failure(result)) == ["write"] and not materializations(result)
    assert "2 of 2 partitions failed" in failure(result)["write"]


def test_an_artifact_that_was_not_delivered_is_not_materialized(project: Project) -> None:
    block(project, "2024-01-15")
    result = project.run("daily", "2024-01-15")
    assert list(failure(result)) == ["folder_1"] and not materializations(result)
    assert len(project.store.manifests("daily")) == 1


def test_one_delivery_of_a_range_that_fails_is_named(project: Project) -> None:
    block(project, "2024-01-14")
    result = project.run("daily", "2024-01-13", "2024-01-15")
    assert failure(result)["record"].startswith("1 of 3 partitions failed\n2024-01-14: ")
    assert set(materializations(result)) == {"2024-01-13", "2024-01-15"}
    delivered = checks(result, "2024-01-14")["delivered"]
    assert not delivered.passed and "2024-01-14" in str(delivered.description)


def daily_job() -> dg.JobDefinition:
    return build_definitions(Opened.open(project_root(os.environ))).resolve_job_def("daily")


def test_running_again_from_deliver_extracts_nothing_again(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    project.in_environment(monkeypatch)
    blocked, job = block(project, "2024-01-15"), dg.reconstructable(daily_job)
    with stored_instance() as instance:
        tags = {"dagster/partition": "2024-01-15"}
        with dg.execute_job(job, instance, run_config=QUIET, tags=tags) as failed:
            assert not failed.success
        blocked.unlink()
        monkeypatch.setenv("EXPORT_PIPELINES_SOURCE_URL", f"sqlite:///{tmp_path / 'gone.db'}")
        again = dg.ReexecutionOptions.from_failure(failed.run_id, instance)
        with dg.execute_job(job, instance, reexecution_options=again, tags=tags) as result:
            steps = [
                str(event.step_key).rpartition(".")[2] for event in result.all_events if event.is_step_success
            ]
            assert result.success and steps == ["folder_1", "record"]
        event = instance.get_latest_materialization_event(dg.AssetKey(["lead", "daily"]))
    assert event and event.dagster_event and event.dagster_event.partition == "2024-01-15"
    assert len(project.store.manifests("daily")) == 1


RANGE = {RANGE_START: "2024-01-13", RANGE_END: "2024-01-17"}
DAYS = [f"2024-01-{day}" for day in range(13, 18)]


def job_of(content: str) -> dg.JobDefinition:
    """As the files now are; in one process Dagster asks no second time for the same `content`."""
    return daily_job()


def run_range(
    project: Project, instance: dg.DagsterInstance, failed: dg.JobExecutionResult | None = None
) -> dg.JobExecutionResult:
    """The range as a run, or what is left of it after `failed`."""
    job = dg.build_reconstructable_job(
        "export_pipelines_tests.orchestration.test_failures",
        "job_of",
        (f"{project.settings.definitions} {(project.settings.definitions / 'daily.yaml').read_text()}",),
        reconstructor_working_directory=str(REPOSITORY),
    )
    if failed is None:
        with dg.execute_job(job, instance, run_config=QUIET, tags=RANGE) as result:
            return result
    again = dg.ReexecutionOptions.from_failure(failed.run_id, instance)
    with dg.execute_job(job, instance, reexecution_options=again, tags=RANGE) as result:
        return result


def attempts_of(project: Project) -> dict[str, list[str]]:
    """The outcomes of all attempts by window."""
    ledger = project.opened().ledger
    found: dict[str, list[str]] = {}
    for delivery in ledger.deliveries("daily"):
        found.setdefault(delivery.window_key, []).extend(
            attempt["outcome"] for attempt in ledger.attempts(delivery.id)
        )
    return found


def test_running_a_range_again_writes_and_delivers_what_is_missing_and_each_window_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One day is over its limit, the folder of another is in the way; the second is mended first."""
    project.in_environment(monkeypatch)
    project.write("daily", MONDAYS)
    blocked = block(project, "2024-01-14")
    with dg.instance_for_test() as instance:
        failed = run_range(project, instance)
        assert failure(failed)["record"].startswith("2 of 5 partitions failed")
        assert [one.window.key for one in project.store.manifests("daily")].count("2024-01-15") == 0
        blocked.unlink()
        half = run_range(project, instance, failed)
        assert failure(half)["record"].startswith("1 of 5 partitions failed\n2024-01-15: ")
        project.write("daily", MONDAYS.replace("rows: 5", "rows: 50"))
        assert run_range(project, instance, half).success
        done = instance.get_materialized_partitions(dg.AssetKey(["lead", "daily"]))
    assert done == set(DAYS)
    assert sorted(one.window.key for one in project.store.manifests("daily")) == DAYS
    assert attempts_of(project) == {
        day: ["failed", "delivered"] if day == "2024-01-14" else ["delivered"] for day in DAYS
    }


def test_a_window_that_a_second_run_wrote_is_not_written_by_a_third(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.in_environment(monkeypatch)
    project.write("daily", MONDAYS)
    with dg.instance_for_test() as instance:
        failed = run_range(project, instance)
        project.write("daily", MONDAYS.replace("rows: 5", "rows: 50"))
        blocked = block(project, "2024-01-15")
        half = run_range(project, instance, failed)
        assert list(failure(half)) == ["record"]
        blocked.unlink()
        assert run_range(project, instance, half).success
    assert sorted(one.window.key for one in project.store.manifests("daily")) == DAYS
    assert attempts_of(project) == {
        day: ["failed", "delivered"] if day == "2024-01-15" else ["delivered"] for day in DAYS
    }


def test_no_password_of_the_source_is_in_what_a_run_tells(
    project: Project, instance: dg.DagsterInstance
) -> None:
    secret = "hunter2"
    url = SecretStr(f"postgresql://reader:{secret}@db.example.com/leads")
    elsewhere = Project(project.settings.model_copy(update={"source_url": url}))
    result = elsewhere.run("daily", "2024-01-15", instance=instance)
    assert not result.success
    records = str(instance.all_logs(result.run_id)) + str(instance.get_run_by_id(result.run_id))
    assert secret not in records
