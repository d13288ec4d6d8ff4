"""Dagster's daemon looks at the backfills of the UI as often as the project's dagster.yaml says."""

import logging
import threading
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.run_coordinator import QueuedRunCoordinator
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster._daemon import controller
from dagster._daemon.backfill import execute_backfill_iteration_loop

from export_pipelines.errors import SettingsError
from export_pipelines_tests.conftest import REPOSITORY
from export_pipelines_tests.dagster_storage import put_storage
from export_pipelines_tests.deploy.files import HELM

OF_CHART = HELM["dagsterDaemon"]["runCoordinator"]["config"]["customRunCoordinator"]
FILES = ("export_pipelines/new_project/dagster.yaml", "deploy/dagster.celery.yaml")
SECTIONS = [yaml.safe_load((REPOSITORY / file).read_text())["run_coordinator"] for file in FILES]


class Pauses(threading.Event):
    """Tells how long its daemon would wait, which goes on at once."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout)
        return super().wait(0)


def opened(folder: Path, section: dict[str, Any]) -> dg.DagsterInstance:
    put_storage(folder)
    overrides = {"run_coordinator": section, "telemetry": {"enabled": False}}
    return dg.DagsterInstance.local_temp(str(folder), overrides=overrides)


def pause(instance: dg.DagsterInstance) -> float:
    """Seconds between two looks of a daemon that made its threads as Dagster makes them."""
    pauses = Pauses()
    controller.create_daemons_from_instance(instance)
    with WorkspaceProcessContext(instance, EmptyWorkspaceTarget()) as workspace:
        loop = execute_backfill_iteration_loop(workspace, logging.getLogger("daemon"), pauses)
        while not pauses.seconds:
            next(loop)
    (seconds,) = pauses.seconds
    assert seconds is not None
    return seconds


@pytest.fixture(autouse=True)
def constant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dagster's own, which other tests find again."""
    monkeypatch.setattr(controller, "DEFAULT_DAEMON_INTERVAL_SECONDS", 30)


@pytest.mark.parametrize("section", [*SECTIONS, OF_CHART], ids=[*FILES, "the chart's values"])
def test_backfills_are_looked_at_every_five_seconds(section: dict[str, Any], tmp_path: Path) -> None:
    with opened(tmp_path, section) as instance:
        assert 0 < pause(instance) <= 5
        assert isinstance(instance.run_coordinator, QueuedRunCoordinator)
        assert instance.run_coordinator.dequeue_interval_seconds == 1


def test_another_interval_may_be_chosen(tmp_path: Path) -> None:
    with opened(tmp_path, with_interval(60)) as instance:
        assert 30 < pause(instance) <= 60


def test_an_interval_of_nothing_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path, with_interval(0)) as instance, pytest.raises(SettingsError) as refused:
        pause(instance)
    assert "backfill_interval_seconds: 0 is not a number of seconds from 1 on" in str(refused.value)


def with_interval(seconds: int) -> dict[str, Any]:
    return {**SECTIONS[0], "config": {"backfill_interval_seconds": seconds}}
