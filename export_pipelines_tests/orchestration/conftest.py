import os
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from export_pipelines.orchestration import instance as opening
from export_pipelines.orchestration import open_instance
from export_pipelines_tests.conftest import REPOSITORY
from export_pipelines_tests.dagster_storage import make_with_storage
from export_pipelines_tests.orchestration.project import Project, fill_source, make_project


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill_source(tmp_path_factory.mktemp("source") / "leads.db")


@pytest.fixture
def project(tmp_path: Path, source: Path) -> Project:
    return make_project(tmp_path, source)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def own_instance(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """The project's own, as dagster.yaml has it: runs wait in a queue, which nothing takes them from here."""
    project.in_environment(monkeypatch)
    monkeypatch.setattr(opening, "make_folder", make_with_storage)
    for name in ("DAGSTER_HOME", "EXPORT_PIPELINES_DAGSTER"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    with open_instance(project.settings, REPOSITORY, os.environ) as instance:
        yield instance


@pytest.fixture
def ranges_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of a backfill take three partitions at most, not a month of them."""
    monkeypatch.setattr(sys.modules["export_pipelines.orchestration.backfill"], "MAX_PARTITIONS_PER_RUN", 3)
