import pandas as pd
import pytest

from export_pipelines_tests.reports import oracle
from export_pipelines_tests.reports.store import fill


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return fill(tmp_path_factory.mktemp("reports"))


@pytest.fixture(scope="session")
def events(url: str) -> pd.DataFrame:
    return oracle.events_of(url)


@pytest.fixture(scope="session")
def leads(url: str) -> pd.DataFrame:
    return oracle.leads_of(url)
