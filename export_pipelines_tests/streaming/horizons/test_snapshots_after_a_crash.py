"""A server that crashes gives numbers again whose transactions it had not written down yet: a row that has one of them is new,
though the snapshot before had taken its number for that of a transaction that was over."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from export_pipelines.catalog.dataset import NewRowColumns
from export_pipelines_servers.postgresql import PostgresqlServer, postgresql_server
from export_pipelines_tests.streaming.horizons.cases import Case
from export_pipelines_tests.streaming.horizons.databases import Postgresql, id_of
from export_pipelines_tests.streaming.horizons.reader import following
from export_pipelines_tests.streaming.live import TRANSACTION

ABORTED = 5


@pytest.fixture
def server() -> Iterator[PostgresqlServer]:
    """Writes down what nobody waits for a second later."""
    with postgresql_server("wal_writer_delay=10s", "autovacuum=off") as server:
        yield server


def test_rows_of_numbers_that_are_given_again_are_new(server: PostgresqlServer) -> None:
    case = Case(
        Postgresql(server.url), NewRowColumns(transaction="written_by"), "snapshots", statements=TRANSACTION
    ).make()
    database = case.database
    for number in range(ABORTED):
        with closing(database.connect()) as connection:
            database.insert(connection.cursor(), id_of(100 + number))
            connection.rollback()
    with closing(case.open()) as horizon:
        position = horizon.begin("now")
    server.stop("immediate")
    server.start()
    written = [id_of(number) for number in range(ABORTED)]
    for id in written:
        database.write([id])
    with closing(case.open()) as horizon:
        assert set(following(horizon, position, ABORTED)[0]) == set(written)
