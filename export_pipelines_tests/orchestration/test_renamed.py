"""An export that says `renamed_from` has the history of its earlier name: ledger, artifacts, partitions, schedule."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from export_pipelines.catalog import load_catalog
from export_pipelines.definition import load_definitions
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.done_partitions import done_partitions
from export_pipelines_tests.dagster_storage import stored_instance
from export_pipelines_tests.orchestration.project import DAILY, NOW, Project, materializations
from export_pipelines_tests.orchestration.watching import Watched, schedules_on, turn_on

RENAMED = DAILY + "renamed_from: daily\n"
DAYS = ["2024-01-13", "2024-01-14", "2024-01-15"]


@pytest.fixture
def watched(project: Project) -> Iterator[Watched]:
    with stored_instance() as instance:
        turn_on(instance, "daily_schedule", NOW - timedelta(hours=1))
        watched = Watched(project, instance)
        watched.tick()
        assert project.run("daily", "2024-01-13", "2024-01-15", instance=instance).success
        yield watched


def rename(watched: Watched, text: str = RENAMED) -> None:
    (watched.project.settings.definitions / "daily.yaml").unlink()
    watched.project.write("backup", text)
    watched.tick()


def test_its_records_artifacts_and_partitions_are_those_of_the_new_name(watched: Watched) -> None:
    rename(watched)
    opened = watched.project.opened()
    days = {"2024-01-13", "2024-01-14", "2024-01-15"}
    assert {delivery.window_key for delivery in opened.ledger.deliveries("backup")} == days
    assert opened.ledger.arrived("backup", "2024-01-13") and not opened.ledger.deliveries("daily")
    assert {manifest.window.key for manifest in opened.store.manifests("backup")} == days
    assert watched.instance.get_materialized_partitions(dg.AssetKey(["lead", "backup"])) == days


def test_its_schedule_is_on_as_it_was_and_nobody_is_told(watched: Watched) -> None:
    rename(watched)
    assert schedules_on(watched.instance) == {"backup_schedule"}
    assert watched.alerts() == []
    rename_again = watched.project.definitions().get_repository_def().get_schedule_def("backup_schedule")
    assert rename_again.cron_schedule == "0 2 * * *"


def test_a_run_that_failed_under_the_old_name_is_told_under_the_new_one(watched: Watched) -> None:
    watched.project.write("daily", DAILY + "limits: {rows: 5}\n")
    assert not watched.materialize("daily", partition_key="2024-01-16").success
    rename(watched)
    ((export, text),) = watched.noted()
    assert export == "backup" and text.startswith("window 2024-01-16: ")


def test_a_rename_that_is_not_said_is_told(watched: Watched) -> None:
    rename(watched, DAILY)
    assert [export for export, _ in watched.alerts()] == ["daily"]


def test_the_version_of_its_columns_goes_on(watched: Watched) -> None:
    rename(watched, RENAMED.replace("email, ", "") + "version: 2\n")
    metadata = materializations(watched.project.run("backup", "2024-01-16", instance=watched.instance))
    assert metadata["2024-01-16"]["schema_version"] == 2


def test_the_same_files_of_a_window_are_not_sent_again(watched: Watched) -> None:
    rename(watched)
    assert watched.project.run("backup", "2024-01-15", instance=watched.instance).success
    receipts = {
        delivery.artifact: delivery for delivery in watched.project.opened().ledger.deliveries("backup")
    }
    newest = next(receipt for name, receipt in receipts.items() if name.startswith("backup/"))
    assert (newest.state, newest.attempts) == ("delivered", 0)


def test_what_is_done_is_not_run_again(watched: Watched) -> None:
    before = watched.project.opened()
    done = done_partitions(CodeLocation(before), before.definition("daily"), watched.instance, DAYS)
    assert len(done) == 3
    (watched.project.settings.definitions / "daily.yaml").unlink()
    watched.project.write("backup", RENAMED)  # and no sensor has seen it yet
    after = watched.project.opened()
    assert after.definition("daily").name == "backup"
    assert done_partitions(CodeLocation(after), after.definition("backup"), watched.instance, DAYS) == done


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"new": RENAMED}, 'the export "daily" is still there'),
        ({"new": DAILY + "renamed_from: new\n"}, 'the export "new" is still there'),
        ({"new": DAILY + "renamed_from: [Old]\n"}, "an export's name is lower-case letters"),
        ({"new": DAILY + "renamed_from: 3\n"}, "the name of an export, or a list of names, is expected"),
        (
            {
                "a": DAILY.replace("backup", "a") + "renamed_from: old\n",
                "new": DAILY.replace("backup", "n") + "renamed_from: [older, old]\n",
            },
            'a was renamed from "old" already',
        ),
    ],
)
def test_a_rename_that_cannot_be_is_a_fault_of_its_file(
    tmp_path: Path, files: dict[str, str], text: str
) -> None:
    (tmp_path / "daily.yaml").write_text(DAILY)
    for name, content in files.items():
        (tmp_path / f"{name}.yaml").write_text(content.replace("backup", name))
    loaded = load_definitions(tmp_path, load_catalog(None))
    assert list(loaded.broken) == ["new"] and text in str(loaded.broken["new"])
    assert "new.yaml:" in str(loaded.broken["new"])
