"""Runs that are launched in this process: what is exported, said and recorded."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from export_pipelines.errors import RequestError, WindowError
from export_pipelines.orchestration import launch, open_instance
from export_pipelines.plan.window import window_between
from export_pipelines_tests.artifacts.build import child_environment
from export_pipelines_tests.orchestration.project import BROKEN, DAILY, WHOLE, Project, now
from export_pipelines_tests.orchestration.test_failures import block
from export_pipelines_tests.preloaded import Process, ended
from export_pipelines_tests.run.heard import Heard

ROOT = Path(__file__).parents[2]


def test_a_partition_is_launched_and_seen_on_the_instance(
    project: Project, instance: dg.DagsterInstance
) -> None:
    heard = Heard()
    done = launch(
        project.opened(now),
        "daily",
        partition_key="2024-01-15",
        instance=instance,
        observer=heard,
    )
    assert (
        done.ok and [manifest.rows for manifest in done.manifests] == [10] and heard.rows_of("encode") == [10]
    )
    run = instance.get_run_by_id(done.run_id)
    assert (
        run and run.job_name == "daily" and run.is_success and run.tags["dagster/partition"] == "2024-01-15"
    )


def test_nothing_is_said_on_the_terminal(
    project: Project, instance: dg.DagsterInstance, capfd: pytest.CaptureFixture[str]
) -> None:
    launch(project.opened(now), "daily", partition_key="2024-01-15", instance=instance)
    window = window_between("2024-01-03", "2024-01-05")
    launch(project.opened(now), "daily", window=window, instance=instance)
    block(project, "2024-01-16")
    launch(project.opened(now), "daily", partition_key="2024-01-16", instance=instance)
    assert capfd.readouterr() == ("", "")


def test_any_window_is_exported_on_demand_and_observed(
    project: Project, instance: dg.DagsterInstance
) -> None:
    window = window_between("2024-01-03", "2024-01-06")
    done = launch(project.opened(now), "daily", window=window, instance=instance)
    assert done.ok and done.manifests[0].rows == 30
    run = instance.get_run_by_id(done.run_id)
    assert run and run.job_name == "on_demand_export"
    (record,) = instance.fetch_observations(dg.AssetKey(["lead", "daily"]), limit=5).records
    assert record.asset_observation and record.asset_observation.metadata["rows"].value == 30
    by_hand = project.settings.home / "delivered" / "backup" / "2024-01-03_2024-01-03_2024-01-06"
    assert by_hand.is_dir()


def test_an_export_without_partitions_takes_its_window_in_its_own_job(
    project: Project, instance: dg.DagsterInstance
) -> None:
    project.write("whole", WHOLE)
    window = window_between("2024-01-03", "2024-01-06")
    part = launch(project.opened(now), "whole", window=window, instance=instance)
    everything = launch(project.opened(now), "whole", instance=instance)
    assert (part.manifests[0].rows, everything.manifests[0].rows) == (30, 310)
    run = instance.get_run_by_id(part.run_id)
    assert run and run.job_name == "whole"


def test_a_failed_delivery_tells_the_text_and_keeps_the_artifact(
    project: Project, instance: dg.DagsterInstance
) -> None:
    block(project, "2024-01-15")
    done = launch(project.opened(now), "daily", partition_key="2024-01-15", instance=instance)
    assert not done.ok and len(done.manifests) == 1
    assert list(done.failures) == ["2024-01-15"] and "backup" in done.failures["2024-01-15"]


def test_a_missing_key_is_a_wrong_request(project: Project, instance: dg.DagsterInstance) -> None:
    project.write("daily", DAILY + "privacy: {email: hash}\n")
    done = launch(project.opened(now), "daily", partition_key="2024-01-15", instance=instance)
    assert done.exit_code == 2 and "EXPORT_PIPELINES_HASH_KEY" in done.failures["2024-01-15"]
    assert "\n" not in done.failures["2024-01-15"]


@pytest.mark.parametrize(
    ("export", "key", "error", "text"),
    [
        ("dayly", "2024-01-15", RequestError, 'did you mean "daily"?'),
        ("wrong", "2024-01-15", RequestError, "emial"),
        ("daily", "2024-02-30", WindowError, "does not exist"),
        ("daily", "2024-02-20", WindowError, "not complete"),
        ("daily", "2023-12-31", WindowError, "before the first"),
        ("daily", None, WindowError, "one daily partition"),
    ],
)
def test_a_wrong_request_makes_no_run(
    project: Project, instance: dg.DagsterInstance, export: str, key: str | None, error: type, text: str
) -> None:
    project.write("wrong", BROKEN)
    with pytest.raises(error, match=text):
        launch(project.opened(now), export, partition_key=key, instance=instance)
    assert instance.get_runs() == []


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    root = tmp_path / "root"
    root.mkdir()
    (root / "dagster.yaml").write_bytes((ROOT / "dagster.yaml").read_bytes())
    yield root


def test_a_run_on_the_projects_instance_leaves_nothing_in_the_projects_root(
    project: Project, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPORT_PIPELINES_DAGSTER", str(project.settings.dagster_folder))
    monkeypatch.setenv("DAGSTER_HOME", str(root))
    with open_instance(project.settings, root) as instance:
        done = launch(project.opened(now), "daily", partition_key="2024-01-15", instance=instance)
        assert done.ok and instance.get_run_by_id(done.run_id)
    assert [path.name for path in root.iterdir()] == ["dagster.yaml"]
    assert any(project.settings.dagster_folder.iterdir())


OPENED = """
import os, sys
from pathlib import Path
from export_pipelines.orchestration import open_instance
from export_pipelines.settings import Settings

root = Path(sys.argv[1])
settings = Settings.load(os.environ, root)
print("ready", flush=True)
sys.stdin.readline()
open_instance(settings, root).dispose()
"""


def test_processes_may_be_the_first_ones_together(project: Project, tmp_path: Path) -> None:
    shutil.copy(ROOT / "dagster.yaml", tmp_path)
    url = project.settings.source_url.get_secret_value()
    places = {"EXPORT_PIPELINES_HOME": str(tmp_path / "home"), "EXPORT_PIPELINES_SOURCE_URL": url}
    environment = child_environment() | places
    first = [Process(["-c", OPENED, str(tmp_path)], tmp_path, environment) for _ in range(2)]
    assert [process.stdout.readline() for process in first] == ["ready\n"] * 2
    for process in first:
        process.stdin.write("\n")
        process.stdin.flush()
    assert [ended(process) for process in first] == ["", ""]


def test_the_step_that_writes_shows_the_figures_of_each_stage(
    project: Project, instance: dg.DagsterInstance
) -> None:
    done = launch(project.opened(now), "daily", partition_key="2024-01-15", instance=instance)
    step: Any
    (step,) = [
        log.dagster_event.step_output_data.metadata["stages"].value
        for log in instance.all_logs(done.run_id)
        if log.dagster_event
        and log.dagster_event.is_successful_output
        and log.step_key == "lead__daily.write"
    ]
    stages = step["2024-01-15"]
    assert {name: stage["rows"] for name, stage in stages.items()} == dict.fromkeys(
        ("extract", "mask", "encode", "store"), 10
    )
    assert stages["store"]["bytes"] == done.manifests[0].bytes
