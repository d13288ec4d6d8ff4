import os
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from export_pipelines.catalog.dataset import NewRowColumns
from export_pipelines.streaming.horizons.slots import Slots
from export_pipelines_servers.databases import new_database
from export_pipelines_servers.mariadb import BINLOG, mariadb
from export_pipelines_tests.streaming.horizons.cases import Case
from export_pipelines_tests.streaming.horizons.databases import Mariadb, Postgresql, Sqlite
from export_pipelines_tests.streaming.live import PUBLICATION

# longer than any transaction of the suite is open
SETTLE_S = 3 + 2 * max(
    float(os.environ.get(name, default)) for name, default in (("STREAM_LATE_S", "2"), ("STREAM_OPEN_S", "3"))
)

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


@pytest.fixture
def replication(logical_url: str) -> Iterator[Case]:
    url = new_database(logical_url, f"horizon_{next(NUMBERS)}")
    case = Case(
        Postgresql(url), NewRowColumns(publication="exports"), "replication slot", statements=PUBLICATION
    )
    yield case.make()
    with closing(Slots(url)) as slots:
        for slot in slots.all():
            slots.drop(slot.name)


@pytest.fixture
def postgresql_back(postgresql_url: str) -> Case:
    url = new_database(postgresql_url, f"horizon_{next(NUMBERS)}")
    return Case(Postgresql(url), NewRowColumns(), "look back", settle_s=SETTLE_S).make()


@pytest.fixture
def mariadb_back(mariadb_url: str) -> Case:
    url = new_database(mariadb_url, f"horizon_{next(NUMBERS)}")
    return Case(Mariadb(url), NewRowColumns(), "look back", settle_s=SETTLE_S).make()


@pytest.fixture
def sqlite_back(tmp_path: Path) -> Case:
    """Its writers wait for each other, so none is late for long."""
    database = Sqlite(f"sqlite:///{tmp_path / 'leads.db'}", mark="?")
    return Case(database, NewRowColumns(), "look back", settle_s=SETTLE_S, late_s=0.05, open_s=0.3).make()


@pytest.fixture
def sqlite_key(tmp_path: Path) -> Case:
    database = Sqlite(f"sqlite:///{tmp_path / 'leads.db'}", mark="?")
    return numbered(
        Case(database, NewRowColumns(key="number"), "growing key", late_s=0.05, open_s=0.3).make(),
        "number INTEGER PRIMARY KEY AUTOINCREMENT",
    )


def numbered(case: Case, column: str) -> Case:
    """Whose events have this column, before all others, as their primary key."""
    with closing(case.database.connect()) as connection:
        ((sql,), *indexes) = connection.execute(
            "SELECT sql FROM sqlite_master WHERE tbl_name = 'events' AND sql IS NOT NULL"
        )
        whole = sql.replace("(", f"({column}, ", 1).replace("PRIMARY KEY (event_id)", "UNIQUE (event_id)")
        for statement in ("DROP TABLE events", whole, *(index for (index,) in indexes)):
            connection.execute(statement)
        connection.commit()
    return case


@pytest.fixture(scope="session")
def binlog_url() -> Iterator[str]:
    """A database of a MariaDB server that writes a binlog."""
    with mariadb(*BINLOG) as url:
        yield url


@pytest.fixture
def binlog(binlog_url: str) -> Case:
    url = new_database(binlog_url, f"horizon_{next(NUMBERS)}")
    return Case(Mariadb(url), NewRowColumns(binlog=True), "binlog").make()


@pytest.fixture(
    params=[
        "snapshots",
        "replication",
        "postgresql_back",
        "mariadb_back",
        "sqlite_back",
        "sqlite_key",
        "binlog",
    ]
)
def case(request: pytest.FixtureRequest) -> Case:
    """Each mechanism over a database of its own."""
    made_case: Case = request.getfixturevalue(request.param)
    return made_case
