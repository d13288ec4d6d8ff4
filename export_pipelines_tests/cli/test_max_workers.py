"""`backfill --max-workers`: ranges side by side give what one after the other gives."""

import hashlib
import json
from pathlib import Path

import pytest

from export_pipelines.ledger import open_ledger
from export_pipelines.orchestration.range_processes import KILLED, Range, run_ranges
from export_pipelines.orchestration.run_tags import RANGE_END, RANGE_START
from export_pipelines_tests.cli import clocks
from export_pipelines_tests.conftest import Project
from export_pipelines_tests.shell import in_process

BACKFILL = ("backfill", "daily", "--from", "2024-01-10", "--to", "2024-01-14")


def delivered(home: Path) -> dict[str, str]:
    files = (
        path for path in (home / "delivered").rglob("*") if path.is_file() and "manifest" not in path.name
    )
    return {
        path.relative_to(home).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if not path.name.startswith(".")
    }


def test_ranges_side_by_side_give_the_same_files(project: Project) -> None:
    ran = in_process(project, *BACKFILL, "--max-workers", "2", "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    days = [f"2024-01-{day}" for day in range(10, 15)]
    assert [artifact["window"]["key"] for artifact in json.loads(ran.stdout)["artifacts"]] == days
    records = open_ledger(f"sqlite:///{project.home / 'ledger.db'}").windows("daily")
    assert [record.window_key for record in sorted(records, key=lambda record: record.window_key)] == days
    assert all(record.arrived for record in records) and len({record.run_id for record in records}) == 2
    together = delivered(project.home)
    project.environment["EXPORT_PIPELINES_HOME"] = str(project.folder / "another")
    assert in_process(project, *BACKFILL).returncode == 0
    assert delivered(project.folder / "another") == together and len(together) == 5


def test_a_partition_that_fails_leaves_the_others_of_all_ranges(project: Project) -> None:
    taken = project.home / "delivered" / "daily" / "2024-01-11"
    taken.parent.mkdir(parents=True)
    taken.write_text("a file where the folder has to be")
    ran = in_process(project, *BACKFILL, "--max-workers", "2")
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1] == "error: 1 of 5 partitions failed: 2024-01-11"
    taken.unlink()
    again = in_process(project, *BACKFILL, "--max-workers", "2")
    assert again.returncode == 0 and "skipped 4 partitions" in again.stderr + again.stdout


def test_a_range_whose_process_is_killed_leaves_the_others(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in project.environment.items():
        monkeypatch.setenv(name, value)
    keys, times = ("2024-01-10", "2024-01-12", "2024-01-13"), (clocks.killed, clocks.now, clocks.now)
    killed, *others = (
        Range(project.folder, None, now, "daily", (key,), {RANGE_START: key, RANGE_END: key})
        for key, now in zip(keys, times, strict=True)
    )
    outcomes = dict(run_ranges([killed, *others], 2))
    lost = outcomes[killed]
    assert lost and lost.failures == dict.fromkeys(killed.keys, KILLED)
    assert all(outcome and outcome.ok for outcome in (outcomes[other] for other in others))
    records = open_ledger(f"sqlite:///{project.home / 'ledger.db'}").windows("daily")
    assert sorted(record.window_key for record in records) == ["2024-01-12", "2024-01-13"]
