from pathlib import Path

import pytest

from export_pipelines_tests.stream.databases import Database, Duckdb, Mariadb, Postgresql, Server, Sqlite

SERVERS = ("postgresql", "mariadb")


@pytest.fixture(params=("sqlite", "duckdb", *SERVERS))
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    file = {"sqlite": Sqlite, "duckdb": Duckdb}.get(request.param)
    return file(tmp_path / "small.db") if file else _server(request)


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Server:
    return _server(request)


def _server(request: pytest.FixtureRequest) -> Server:
    kind = {"postgresql": Postgresql, "mariadb": Mariadb}[request.param]
    return kind(request.getfixturevalue(f"{request.param}_url"))
