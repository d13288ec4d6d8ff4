"""Runs of one window and of many, and where their files lie."""

import shutil
from pathlib import Path

from export_pipelines_tests.cli.answers import WHOLE, Terminal, data, delivered
from export_pipelines_tests.conftest import DAILY, Project


def test_run_delivers_the_partition_and_tells_where(terminal: Terminal, project: Project) -> None:
    answer = terminal("run", "daily", "--partition", "2024-01-15")
    assert answer.code == 0, answer.stderr
    assert "10 rows" in answer.stdout
    assert "  home/delivered/daily/2024-01-15/leads_part_1.csv" in answer.stdout.splitlines()
    assert len(delivered(project, "2024-01-15")) == 10


def test_run_tells_where_an_artifact_lies_that_goes_nowhere(terminal: Terminal, project: Project) -> None:
    project.write("other", WHOLE)
    answer = terminal("run", "other")
    (place,) = [line.strip() for line in answer.stdout.splitlines() if line.startswith("  ")]
    assert answer.code == 0 and (Path(place) / "manifest.json").is_file()


def test_run_without_a_window_takes_the_last_complete_one(terminal: Terminal, project: Project) -> None:
    answer = terminal("run", "daily")
    assert answer.code == 0 and "window 2024-02-04" in answer.stderr
    assert len(delivered(project, "2024-02-04")) == 10


def test_run_between_two_days_is_one_artifact(terminal: Terminal) -> None:
    made = data(terminal("run", "daily", "--start", "2024-01-03", "--end", "2024-01-06", "--json"))
    (artifact,) = made["artifacts"]
    assert (artifact["rows"], artifact["window"]["key"]) == (30, "2024-01-03_2024-01-06")


def test_run_writes_only_below_home(terminal: Terminal, project: Project) -> None:
    before = set(project.tree())
    terminal("run", "daily", "--partition", "2024-01-15")
    assert {path.split("/")[0] for path in set(project.tree()) - before} == {"home"}


def test_backfill_writes_an_artifact_for_each_partition(terminal: Terminal) -> None:
    assert terminal("backfill", "daily", "--from", "2024-01-10", "--to", "2024-01-12").code == 0
    listed = data(terminal("artifacts", "--json"))
    assert [one["window"]["key"] for one in listed] == ["2024-01-12", "2024-01-11", "2024-01-10"]


def test_backfill_names_the_partitions_that_failed_and_keeps_the_others(
    terminal: Terminal, project: Project
) -> None:
    taken = project.home / "delivered" / "daily" / "2024-01-11"
    taken.parent.mkdir(parents=True)
    taken.write_text("a file where the folder has to be")
    answer = terminal("backfill", "daily", "--from", "2024-01-10", "--to", "2024-01-12")
    assert answer.code == 1
    assert (
        "error: 2024-01-11: " in answer.stderr and "a file stands where a folder has to be" in answer.stderr
    )
    assert "error: 1 of 3 partitions failed: 2024-01-11" in answer.stderr
    assert [len(delivered(project, day)) for day in ("2024-01-10", "2024-01-12")] == [10, 10]


def test_a_partition_that_arrived_once_and_not_as_the_export_now_says_is_not_done(
    terminal: Terminal, project: Project
) -> None:
    days = ("backfill", "daily", "--from", "2024-01-10", "--to", "2024-01-12")
    assert terminal(*days).code == 0
    project.write("daily", DAILY.replace("revenue]", "revenue, outcome]"))
    place = project.home / "delivered" / "daily" / "2024-01-11"
    shutil.move(place, project.home / "aside")
    place.write_text("a file where the folder has to be")
    assert terminal(*days).code == 1
    place.unlink()
    again = terminal(*days)
    assert again.code == 0 and "skipped 2 partitions" in again.stderr
    assert next(iter(delivered(project, "2024-01-11")))["outcome"]
