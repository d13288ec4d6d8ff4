from collections.abc import Iterator

import pytest

from export_pipelines.project import Project
from export_pipelines_tests.service.serving import Served, daemon, make_keys, make_project, serving


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, store_url: str) -> Iterator[Served]:
    """A service with access.yaml over 400 leads, with Dagster's daemon; shared by all tests of this room."""
    folder = tmp_path_factory.mktemp("served")
    environment = make_project(folder, store_url)
    project = Project.open(folder, dict(environment))
    keys = make_keys(project)
    with serving(folder, environment) as (url, _), daemon(folder, environment):
        yield Served(url, project, environment, keys)
