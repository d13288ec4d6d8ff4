import random
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from export_pipelines.key_versions import PREFIX
from export_pipelines.ledger.api_keys import OPERATOR
from export_pipelines.project import Project
from export_pipelines_servers.authority import authority
from export_pipelines_servers.smtp import Post, smtp_server
from export_pipelines_tests.artifacts.build import stored
from export_pipelines_tests.service.serving import (
    SETTINGS,
    SIZE,
    Alone,
    Served,
    daemon,
    make_keys,
    make_project,
    serving,
)

AD_HOC = {"type": "lead", "start": "2024-01-01", "end": "2024-01-08", "fields": ["lead_id", "email", "state"]}
TEXAS = {"lhv": "state", "op": "is equal to", "rhv": "TX"}


@pytest.fixture(scope="package")
def post() -> Iterator[Post]:
    """The mail server of the exports that are served."""
    with smtp_server() as post:
        yield post


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory, store_url: str, post: Post) -> Iterator[Served]:
    """A service with access.yaml over 400 leads, with Dagster's daemon; shared by all tests of this room, and ended with
    them: a daemon loads all code anew each minute."""
    folder = tmp_path_factory.mktemp("served")
    mail = {"SMTP_URL": post.url(authority().pem(folder)), "MAIL_FROM": "exports@example.com"}
    settings = {f"{PREFIX}{name}": value for name, value in mail.items()}
    environment = make_project(folder, store_url, **settings)
    project = Project.open(folder, dict(environment))
    keys = make_keys(project)
    with serving(folder, environment) as (url, _), daemon(folder, environment):
        yield Served(url, project, environment, keys)


@pytest.fixture(scope="package")
def daily(served: Served) -> dict[str, Any]:
    """A partition of an export of `exports/`, asked for by the admin."""
    return served.made({"export": "daily", "partition": "2024-01-03"})


@pytest.fixture(scope="package")
def texas(served: Served) -> dict[str, Any]:
    """An ad-hoc export of an analyst, who sees no address in clear."""
    return served.made({**AD_HOC, "filter_rules": [TEXAS]}, "ana")


@pytest.fixture(scope="package")
def wide(served: Served) -> dict[str, Any]:
    """All fields of a month: some hundred kilobytes."""
    return served.made({"type": "lead", "start": "2024-01-01", "end": "2024-02-05", "fields": "all"})


@pytest.fixture(scope="package")
def alone(tmp_path_factory: pytest.TempPathFactory, store_url: str) -> Iterator[Alone]:
    folder = tmp_path_factory.mktemp("alone")
    settings = {f"{PREFIX}SERVICE_{name}": str(value) for name, value in SETTINGS.items()}
    environment = make_project(folder, store_url, None, **settings)
    data = random.Random(1).randbytes(SIZE)
    unsealed = Project.open(folder, dict(environment))
    make_keys(unsealed, ())  # with which there is a ledger
    plain = stored(unsealed.store, {"leads_part_1.csv": data})
    environment[f"{PREFIX}MASTER_KEY"] = secrets.token_hex(32)
    project = Project.open(folder, dict(environment))
    sealed = stored(project.store, {"leads_part_1.csv": data}, token="20240116T020000Z-ffffff")
    keys = make_keys(project, (OPERATOR,))
    with serving(folder, environment) as (url, pid):
        yield Alone(Served(url, project, environment, keys), pid, plain, sealed)
