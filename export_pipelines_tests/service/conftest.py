from collections.abc import Iterator
from typing import Any

import pytest

from export_pipelines.project import Project
from export_pipelines_tests.service.serving import Served, daemon, make_keys, make_project, serving

AD_HOC = {"type": "lead", "start": "2024-01-01", "end": "2024-01-08", "fields": ["lead_id", "email", "state"]}
TEXAS = {"lhv": "state", "op": "is equal to", "rhv": "TX"}


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, store_url: str) -> Iterator[Served]:
    """A service with access.yaml over 400 leads, with Dagster's daemon; shared by all tests of this room."""
    folder = tmp_path_factory.mktemp("served")
    environment = make_project(folder, store_url)
    project = Project.open(folder, dict(environment))
    keys = make_keys(project)
    with serving(folder, environment) as (url, _), daemon(folder, environment):
        yield Served(url, project, environment, keys)


@pytest.fixture(scope="session")
def daily(served: Served) -> dict[str, Any]:
    """A partition of an export of `exports/`, asked for by the admin."""
    return served.made({"export": "daily", "partition": "2024-01-03"})


@pytest.fixture(scope="session")
def texas(served: Served) -> dict[str, Any]:
    """An ad-hoc export of an analyst, who sees no address in clear."""
    return served.made({**AD_HOC, "filter_rules": [TEXAS]}, "ana")


@pytest.fixture(scope="session")
def wide(served: Served) -> dict[str, Any]:
    """All fields of a month: some hundred kilobytes."""
    return served.made({"type": "lead", "start": "2024-01-01", "end": "2024-02-05", "fields": "all"})
