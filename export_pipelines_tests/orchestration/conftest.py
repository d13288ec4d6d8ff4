from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

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
