"""A project with leads of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from export_pipelines_tests.orchestration.project import Project, fill_source, make_project


@pytest.fixture(scope="module")
def leads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill_source(tmp_path_factory.mktemp("source") / "leads.db")


@pytest.fixture
def project(tmp_path: Path, leads: Path) -> Project:
    """With leads of its own."""
    return make_project(tmp_path, Path(shutil.copy(leads, tmp_path / "leads.db")))


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance
