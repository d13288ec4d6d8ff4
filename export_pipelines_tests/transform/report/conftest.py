import pandas as pd
import pytest

from export_pipelines_servers.databases import new_database
from export_pipelines_tests.transform.report import oracle
from export_pipelines_tests.transform.report.store import copy, fill


@pytest.fixture(scope="session")
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return fill(tmp_path_factory.mktemp("reports"))


@pytest.fixture(scope="session", params=["sqlite", "duckdb", "postgresql", "mariadb"])
def url(request: pytest.FixtureRequest, sqlite_url: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same store on every database."""
    if request.param == "sqlite":
        return sqlite_url
    if request.param == "duckdb":
        url = f"duckdb:///{tmp_path_factory.mktemp('reports') / 'leads.duckdb'}"
    else:
        url = new_database(request.getfixturevalue(f"{request.param}_url"), "reports")
    copy(sqlite_url, url)
    return url


@pytest.fixture(scope="session")
def events(sqlite_url: str) -> pd.DataFrame:
    return oracle.events_of(sqlite_url)


@pytest.fixture(scope="session")
def leads(sqlite_url: str) -> pd.DataFrame:
    return oracle.leads_of(sqlite_url)
