"""Database and sink are killed and come back, while others write: what the database has then is at the sink, each row once.

SERVER_KILLS=10 kills each of them that often."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest

from export_pipelines_servers.postgresql import PostgresqlServer, postgresql_server
from export_pipelines_servers.s3 import free_s3_port, s3_server
from export_pipelines_tests.streaming.horizons.databases import Postgresql, id_of
from export_pipelines_tests.streaming.live import NAME, TRANSACTION, Live
from export_pipelines_tests.streaming.test_stream_processes import end, state_of, wait_until

SERVER_KILLS = int(os.environ.get("SERVER_KILLS", "1"))
ROWS, PAUSE_S, AWAY_S, TRIES = 3, 0.02, 0.5, 5
PLACE = (
    "s3: {{bucket: events, endpoint_url: 'http://127.0.0.1:{port}', access_key: {{env: S3_KEY}}, secret_key: {{env: S3_SECRET}}, "
    "every: 200 ms, bytes: 20 KB}}"
)


class Writer(threading.Thread):
    """Goes on when the database is back. Whether a transaction is there whose commit was not answered, the database says."""

    def __init__(self, database: Postgresql) -> None:
        super().__init__(daemon=True)
        self.database, self.numbers, self.over = database, count(1), threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            try:
                self._write()
            except psycopg.Error:
                time.sleep(PAUSE_S)

    def _write(self) -> None:
        with closing(self.database.connect()) as connection:
            while not self.over.is_set():
                cursor = connection.cursor()
                for _ in range(ROWS):
                    self.database.insert(cursor, id_of(next(self.numbers)))
                connection.commit()
                time.sleep(PAUSE_S)


class Servers:
    """A database and a bucket of their own. Each of `killers` kills one of them and brings it back."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self.stack = folder, stack
        for tries_left in reversed(range(TRIES)):
            self.port = free_s3_port()
            try:
                self._begin_s3()
                break
            except AssertionError:  # somebody took one of its ports meanwhile
                if not tries_left:
                    raise
        self.postgresql: PostgresqlServer = stack.enter_context(postgresql_server())
        self.killers: dict[str, Callable[[], None]] = {"database": self._kill_database, "sink": self._kill_s3}

    def _kill_database(self) -> None:
        self.postgresql.stop("immediate")
        time.sleep(AWAY_S)
        self.postgresql.start()

    def _kill_s3(self) -> None:
        assert self.s3.process
        self.s3.process.kill()
        self.s3.process.wait()
        time.sleep(AWAY_S)
        self._begin_s3()

    def _begin_s3(self) -> None:
        self.s3 = self.stack.enter_context(s3_server(self.folder / "s3", self.port))


@contextmanager
def servers(folder: Path) -> Iterator[Servers]:
    with ExitStack() as stack:
        yield Servers(folder, stack)


class Supervised:
    """A stream that is begun again where it failed, as systemd and the sensor do: PostgreSQL's driver aborts where the server
    goes away between two statements, and no stream begins before the server takes connections."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.process = live.begin(NAME)

    def wait_for_rows(self, count: int) -> None:
        sent = state_of(self.live).sent
        wait_until(lambda: self._sent() > sent + count)

    def _sent(self) -> int:
        if self.process.poll():
            self.process.communicate()
            self.process = self.live.begin(NAME)
        return state_of(self.live).sent


@pytest.mark.parametrize("killed", ["database", "sink"])
def test_a_server_that_is_killed_loses_and_doubles_nothing(tmp_path: Path, killed: str) -> None:
    with servers(tmp_path) as both:
        database = Postgresql(both.postgresql.url)
        database.make(*TRANSACTION)
        bucket = both.s3.bucket("events")
        live = Live(tmp_path / "project", database, PLACE.format(port=both.port), bucket=bucket).make()
        stream, writer = Supervised(live), Writer(database)
        writer.start()
        for _ in range(SERVER_KILLS):
            stream.wait_for_rows(100)
            both.killers[killed]()
        stream.wait_for_rows(100)
        writer.over.set()
        writer.join()
        end(stream.process)
        code, _, said = live.call(NAME, "--until-caught-up")
        assert code == 0, said
        with closing(database.connect()) as connection:
            committed = {id for (id,) in connection.execute("SELECT event_id FROM events")}
        records = live.records()
        assert {record["id"] for record in records} == committed
        assert [record["sequence"] for record in records] == list(range(1, len(committed) + 1))
