"""A backfill that was killed in the middle of a pass."""

import time
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from export_pipelines.artifacts import verify
from export_pipelines.orchestration import backfill
from export_pipelines_tests.artifacts.build import child_environment
from export_pipelines_tests.one_pass.windows import days
from export_pipelines_tests.orchestration.project import Project, now
from export_pipelines_tests.preloaded import Process
from export_pipelines_tests.run.heard import Heard

CHILD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
import dagster as dg
from export_pipelines.orchestration import backfill
from export_pipelines.project import Project
now = lambda: datetime(2024, 2, 20, 8, 30, tzinfo=UTC)
with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
    done = backfill(Project.open(Path(sys.argv[1]), None, now), "daily", "2024-01-01", "2024-01-31", instance=instance)
    print(done.failures, file=sys.stderr)
"""


def killed_at(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, artifacts: int) -> set[str]:
    """The windows that a backfill had committed when it was killed, after it had registered at least so many artifacts."""
    project.in_environment(monkeypatch)
    ledger = project.opened(now).ledger
    with Process(["-c", CHILD, str(tmp_path)], tmp_path, child_environment()) as child:
        while child.poll() is None and len(ledger.windows("daily")) < artifacts:
            time.sleep(0.01)
        child.kill()
        _, said = child.communicate()
    committed = project.store.manifests("daily")
    assert artifacts <= len(committed) < 31, said
    assert [verify(project.store, manifest.artifact) for manifest in committed] == [[]] * len(committed)
    return {record.window_key for record in ledger.windows("daily")}


def test_killed_in_the_middle_only_what_is_missing_is_written(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered = killed_at(project, tmp_path, monkeypatch, 3)
    heard, every = Heard(), days(date(2024, 1, 1), date(2024, 1, 31))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        done = backfill(project.opened(now), "daily", every[0], every[-1], instance=instance, observer=heard)
    assert done.exit_code == 0 and {manifest.rows for manifest in done.manifests} == {10}
    assert [run.window for run in heard.runs] == [key for key in every if key not in registered]
    assert sorted(manifest.window.key for manifest in done.manifests) == every
    records = project.opened(now).ledger.windows("daily")
    assert sorted(record.window_key for record in records) == every and all(
        record.arrived for record in records
    )
    assert project.store.sweep() == []


def test_forced_after_a_kill_all_is_written_again(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_at(project, tmp_path, monkeypatch, 3)
    heard, first = Heard(), days(date(2024, 1, 1), date(2024, 1, 3))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        backfill(
            project.opened(now), "daily", first[0], first[-1], instance=instance, force=True, observer=heard
        )
    assert [run.window for run in heard.runs] == first
