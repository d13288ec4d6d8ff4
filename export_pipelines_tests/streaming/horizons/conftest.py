from collections.abc import Callable
from itertools import count

import pytest

from export_pipelines.catalog.dataset import NewRowColumns
from export_pipelines_servers.databases import new_database
from export_pipelines_tests.streaming.horizons.databases import Case, Postgresql

NUMBERS = count(1)
MakeCase = Callable[[], Case]
TRANSACTION = (
    "ALTER TABLE events ADD COLUMN written_by xid8 NOT NULL DEFAULT pg_current_xact_id()",
    "CREATE INDEX ON events (written_by)",
)


@pytest.fixture
def snapshots(postgresql_url: str) -> Case:
    url = new_database(postgresql_url, f"horizon_{next(NUMBERS)}")
    return Case(
        Postgresql(url), NewRowColumns(transaction="written_by"), "snapshots", statements=TRANSACTION
    ).make()


@pytest.fixture(params=["snapshots"])
def case(request: pytest.FixtureRequest) -> Case:
    """Each mechanism over a database of its own."""
    made_case: Case = request.getfixturevalue(request.param)
    return made_case
