import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from export_pipelines.errors import RequestError, WindowError
from export_pipelines.orchestration import backfill, launch, open_instance
from export_pipelines.plan.window import window_between
from export_pipelines_tests.artifacts.build import child_environment
from export_pipelines_tests.orchestration.project import BROKEN, DAILY, NOW, WHOLE, Project, failure
from export_pipelines_tests.orchestration.test_failures import MONDAYS, block
from export_pipelines_tests.run.heard import Heard

ROOT = Path(__file__).parents[2]


def now() -> datetime:
    return NOW


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
def ranges_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of a backfill take three partitions at most, not a month of them."""
    monkeypatch.setattr(sys.modules["export_pipelines.orchestration.backfill"], "MAX_PARTITIONS_PER_RUN", 3)


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


# --- the instance of a project -------------------------------------------------------------------------------


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
    project.write("daily", DAILY.replace("outcome, price", "outcome"))
    assert filled() == ["2024-01-05", "2024-01-06"]


def test_a_new_destination_runs_no_history_again(project: Project, instance: dg.DagsterInstance) -> None:
    first = backfill(project.opened(now), "daily", "2024-01-05", "2024-01-06", instance=instance)
    project.write("daily", DAILY + '  - folder: {path: "copy/{{date}}"}\n')
    again = backfill(project.opened(now), "daily", "2024-01-05", "2024-01-07", instance=instance)
    assert again.skipped == tuple(manifest.window.key for manifest in first.manifests)
    assert [manifest.window.key for manifest in again.manifests] == ["2024-01-07"]


QUIET = DAILY.replace("schedule: daily at 02:00", "schedule: daily at 02:00\nquiet_hours: 22:00-06:00")


def test_outside_of_quiet_hours_nothing_is_launched(project: Project, instance: dg.DagsterInstance) -> None:
    project.write("daily", QUIET)
    for call in (
        lambda **more: launch(
            project.opened(now), "daily", partition_key="2024-01-15", instance=instance, **more
        ),
        lambda **more: backfill(
            project.opened(now), "daily", "2024-01-15", "2024-01-15", instance=instance, **more
        ),
    ):
        with pytest.raises(WindowError) as caught:
            call()
        assert str(caught.value) == (
            "exports/daily.yaml:8: daily runs in its quiet hours only, 22:00-06:00 UTC; it is 08:30 "
            "(wait, or add --now)"
        ).replace("exports/daily.yaml", str(project.settings.definitions / "daily.yaml"))
        assert instance.get_runs_count() == 0
    done = launch(project.opened(now), "daily", partition_key="2024-01-15", instance=instance, any_hour=True)
    assert done.ok


def test_a_run_from_the_ui_fails_outside_of_quiet_hours(project: Project) -> None:
    project.write("daily", QUIET)
    text = failure(project.run("daily", "2024-01-15"))["extract"]
    assert "quiet hours only" in text and "export/any_hour: yes" in text


@pytest.mark.usefixtures("ranges_of_three")
def test_a_backfill_stops_between_runs_when_the_quiet_hours_end(
    project: Project, instance: dg.DagsterInstance
) -> None:
    project.write("daily", QUIET)
    heard = Heard()

    def clock() -> datetime:  # past six when the first run is done
        return NOW.replace(hour=5 if len(heard.written) < 3 else 6)

    done = backfill(
        project.opened(clock),
        "daily",
        "2024-01-29",
        "2024-02-02",
        instance=instance,
        observer=heard,
    )
    assert len(done.outcomes) == 1 and done.exit_code == 1
    assert done.left == ("2024-02-01", "2024-02-02")
    second = backfill(
        project.opened(lambda: NOW.replace(hour=23)),
        "daily",
        "2024-01-29",
        "2024-02-02",
        instance=instance,
    )
    assert len(second.skipped) == 3 and [manifest.window.key for manifest in second.manifests] == list(
        done.left
    )


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
    first = [
        subprocess.Popen(
            [sys.executable, "-c", OPENED, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**child_environment(), **places},
            text=True,
        )
        for _ in range(2)
    ]
    for process in first:
        assert process.stdout and process.stdout.readline() == "ready\n"
    for process in first:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.wait(60) for process in first] == [0] * len(first)


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
