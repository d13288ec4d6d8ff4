"""Dagster's events in SQLite for one short process: its own files and tables, by connections that stay open, and many events in
one commit."""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.events import EVENT_TYPE_TO_PIPELINE_RUN_STATUS
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS

from export_pipelines.ledger.wiping import secure_delete, wipe_journal

OPEN_RUNS = 4  # files of runs held open; a backfill writes to one after the other
GROUP_S = 0.1  # how long an event waits for others, so that they are committed together


def engine_of(url: str) -> Any:
    """What is deleted is written over in the file."""
    engine = create_engine(url, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS})
    secure_delete(engine)
    return engine


def has_tables(engine: Any) -> bool:
    """Whether Dagster has made its tables in the file, of whatever version: all that it asks at a start, too."""
    with engine.connect() as connection:
        return "alembic_version" in engine.dialect.get_table_names(connection) and bool(
            connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
        )


class KeptEvents(SqliteEventLogStorage):
    """What begins or ends a run is committed at once, any other event with those of the next GROUP_S. Whoever asks this storage
    has them all."""

    def __init__(self, base_dir: str) -> None:
        self._engines: dict[str, Any] = {}  # by shard: the index, and the runs in the order of their last use
        self._groups: dict[str, Any] = {}  # by shard: connections whose transactions hold events of the group
        self._thread = threading.local()
        self._began = 0.0
        self._tables: set[str] = set()
        super().__init__(base_dir)

    def store_event(self, event: dg.EventLogEntry) -> None:
        self._thread.is_storing = True
        try:
            super().store_event(event)
        finally:
            self._thread.is_storing = False
            at_once = event.is_dagster_event and event.dagster_event_type in EVENT_TYPE_TO_PIPELINE_RUN_STATUS
            with self._db_lock:
                if at_once or time.monotonic() - self._began > GROUP_S:
                    self._commit()

    def has_table(self, table_name: str) -> bool:
        """Dagster asks anew for each check."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def _initdb(self, engine: Any, for_index_shard: bool = False) -> None:
        if not has_tables(engine):
            super()._initdb(engine, for_index_shard)

    def _put_blank(self, shard: str) -> None:
        """Makes the file of a new run as a copy of one that Dagster made without events; a file that is there stays."""
        path = Path(self.path_for_shard(shard))
        if path.exists():
            return
        blank = path.with_name(f"blank-{dg.__version__}.sqlite")
        new = path.with_name(f"{shard}.{os.getpid()}.tmp")
        try:
            if not blank.exists():
                engine = engine_of(f"sqlite:///{new}")
                super()._initdb(engine)
                engine.dispose()
                new.rename(blank)
            shutil.copyfile(blank, new)
            with suppress(FileExistsError):  # the UI may look at a run as soon as there is one
                path.hardlink_to(new)
        finally:
            new.unlink(missing_ok=True)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Any]:
        with self._db_lock:
            if shard not in self._engines:
                self._put_blank(shard)
            engine = self._engines.pop(shard, None) or engine_of(self.conn_string_for_shard(shard))
            self._engines[shard] = engine
            self._close_runs(OPEN_RUNS)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            if getattr(self._thread, "is_storing", False):
                with _savepoint(self._grouped(shard, engine)) as connection:
                    yield connection
                return
            self._commit()
            with engine.begin() as connection:
                yield connection

    def _grouped(self, shard: str, engine: Any) -> Any:
        """The connection with the transaction of the group, which begins with its first event."""
        if not self._groups:
            self._began = time.monotonic()
            timer = threading.Timer(GROUP_S, self._commit_late)
            timer.daemon = True
            timer.start()
        if shard not in self._groups:
            connection = engine.connect()
            # what reads first and writes later gives way to others, for whom it does not wait
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            self._groups[shard] = connection
        return self._groups[shard]

    def _commit(self) -> None:
        """Ends the group; with the lock held."""
        while self._groups:
            _, connection = self._groups.popitem()
            try:
                connection.commit()
            finally:
                connection.close()

    def _commit_late(self) -> None:
        with self._db_lock:
            self._commit()

    def delete_events(self, run_id: str) -> None:
        """With the file of the run."""
        super().delete_events(run_id)
        with self._db_lock:
            self._commit()
        if engine := self._engines.pop(run_id, None):
            engine.dispose()
        self._initialized_dbs.discard(run_id)
        path = Path(self.path_for_shard(run_id))
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            path.with_name(name).unlink(missing_ok=True)

    def wipe(self) -> None:
        """Leaves nothing of deleted events in the journal of the index."""
        with self._connect(INDEX_SHARD_NAME):
            pass
        wipe_journal(self._engines[INDEX_SHARD_NAME])

    def dispose(self) -> None:
        super().dispose()
        with self._db_lock:
            self._commit()
            self._close_runs(0)
        if index := self._engines.pop(INDEX_SHARD_NAME, None):
            index.dispose()

    def _close_runs(self, most: int) -> None:
        runs = [shard for shard in self._engines if shard != INDEX_SHARD_NAME]
        for shard in runs[: max(len(runs) - most, 0)]:
            if shard in self._groups:
                self._commit()
            self._engines.pop(shard).dispose()


@contextmanager
def _savepoint(connection: Any) -> Iterator[Any]:
    """What fails in the block takes nothing along of what the transaction has already."""
    connection.exec_driver_sql("SAVEPOINT event")
    try:
        yield connection
    except BaseException:
        connection.exec_driver_sql("ROLLBACK TO event")
        connection.exec_driver_sql("RELEASE event")
        raise
    connection.exec_driver_sql("RELEASE event")
