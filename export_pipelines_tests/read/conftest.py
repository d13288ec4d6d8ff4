from pathlib import Path

import pytest

from export_pipelines_tests.read.databases import (
    Another,
    Database,
    Duckdb,
    Mariadb,
    Postgresql,
    Server,
    Sqlite,
)

SERVERS = ("postgresql", "mariadb", "another")


FILES: dict[str, type[Sqlite | Duckdb]] = {"sqlite": Sqlite, "duckdb": Duckdb}


@pytest.fixture(params=(*FILES, *SERVERS))
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    kind = FILES.get(request.param)
    return kind(tmp_path / "small.db") if kind else _server(request)


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Server:
    return _server(request)


def _server(request: pytest.FixtureRequest) -> Server:
    if request.param == "mariadb":
        return Mariadb(request.getfixturevalue("mariadb_url"))
    own = Postgresql(request.getfixturevalue("postgresql_url"))
    return own if request.param == "postgresql" else Another(own)
