"""Dagster's events in SQLite for one short process: its own files and tables, by connections that stay open, and many events in
one commit."""

import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, EVENT_TYPE_TO_PIPELINE_RUN_STATUS
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS

from export_pipelines.ledger.wiping import secure_delete, wipe_journal
from export_pipelines.orchestration.check_rows import insert_planned, update_evaluated

OPEN_RUNS = 1  # files of runs held open; a backfill writes to one after the other
GROUP_S = 0.1  # how long an event waits for others, so that they are committed together
MIRRORED = {*ASSET_EVENTS, *ASSET_CHECK_EVENTS, *EVENT_TYPE_TO_PIPELINE_RUN_STATUS}  # in the index, too
INSERT = SqlEventLogStorageTable.insert()
INSERT_WITH_IDS = INSERT.returning(SqlEventLogStorageTable.c.id, sort_by_parameter_order=True)


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


@dataclass(frozen=True)
class _Event:
    """An event with its row."""

    event: dg.EventLogEntry
    row: Mapping[str, Any]

    @property
    def type(self) -> dg.DagsterEventType | None:
        return self.event.dagster_event_type if self.event.is_dagster_event else None


class KeptEvents(SqliteEventLogStorage):
    """What begins or ends a run is committed at once, any other event with those of the next GROUP_S. Whoever asks this storage
    has them all."""

    def __init__(self, base_dir: str) -> None:
        self._engines: dict[str, Any] = {}  # by shard: the index, and the runs in the order of their last use
        self._waiting: list[_Event] = []  # for the files of their runs
        self._unmirrored: list[_Event] = []  # in the file of their run, and not yet in the index
        self._index: Any = None  # the connection to the index while a group is written
        self._began = 0.0
        self._tables: set[str] = set()
        self._has_index_columns = False
        super().__init__(base_dir)
        self._db_lock = threading.RLock()  # type: ignore[assignment]  # Dagster asks for the index while a group is written

    def store_event(self, event: dg.EventLogEntry) -> None:
        waiting = _Event(event, self._event_to_row(event))
        with self._db_lock:
            if not self._waiting:
                self._began = time.monotonic()
                timer = threading.Timer(GROUP_S, self._commit_late)
                timer.daemon = True
                timer.start()
            self._waiting.append(waiting)
            if waiting.type in EVENT_TYPE_TO_PIPELINE_RUN_STATUS or time.monotonic() - self._began > GROUP_S:
                self._commit()

    def has_table(self, table_name: str) -> bool:
        """Dagster asks anew for each check."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def _has_asset_key_index_cols_on_connection(self, conn: Any) -> bool:
        """Dagster asks anew for each event of an asset."""
        if not self._has_index_columns:
            self._has_index_columns = super()._has_asset_key_index_cols_on_connection(conn)
        return self._has_index_columns

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
                try:
                    super()._initdb(engine)
                finally:
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
            if shard == INDEX_SHARD_NAME and self._index is not None:
                yield self._index
                return
            self._commit()
            with self._engine(shard).begin() as connection:
                yield connection

    def _engine(self, shard: str) -> Any:
        """With the lock held."""
        if shard not in self._engines:
            self._put_blank(shard)
        engine = self._engines.pop(shard, None) or engine_of(self.conn_string_for_shard(shard))
        self._engines[shard] = engine
        self._close_runs(OPEN_RUNS)
        if shard not in self._initialized_dbs:
            self._initdb(engine)
            self._initialized_dbs.add(shard)
        return engine

    def _commit(self) -> None:
        """Writes the group, as Dagster's `store_event` would one event after the other: into the files of the runs, then into the
        index. With the lock held. What could not be written is tried again with the next group, and nothing that was."""
        if self._index is not None:
            return
        for run_id in dict.fromkeys(waiting.event.run_id for waiting in self._waiting):
            group = [waiting for waiting in self._waiting if waiting.event.run_id == run_id]
            with self._transaction(run_id) as connection:
                connection.execute(INSERT, [waiting.row for waiting in group])
            self._waiting = [waiting for waiting in self._waiting if waiting.event.run_id != run_id]
            self._unmirrored += [waiting for waiting in group if waiting.type in MIRRORED]
        if self._unmirrored:
            try:
                with self._transaction(INDEX_SHARD_NAME) as self._index:
                    self._mirror(sorted(self._unmirrored, key=lambda waiting: waiting.event.timestamp))
            finally:
                self._index = None
            self._unmirrored = []

    def _commit_late(self) -> None:
        with self._db_lock, suppress(Exception):  # the next event, or the end, meets the same error
            self._commit()

    def _mirror(self, group: Sequence[_Event]) -> None:
        """Writes events into the index, and what is asked of assets and checks across runs."""
        ids = list(self._index.execute(INSERT_WITH_IDS, [waiting.row for waiting in group]).scalars())
        of_assets = [
            (waiting, id) for waiting, id in zip(group, ids, strict=True) if waiting.type in ASSET_EVENTS
        ]
        if of_assets:
            self._store_asset_event_tags(
                self._index, [waiting.event for waiting, _ in of_assets], [id for _, id in of_assets]
            )
        last = {(waiting.row["asset_key"], waiting.type): (waiting, id) for waiting, id in of_assets}
        for waiting, id in sorted(last.values(), key=lambda stored: stored[1]):
            self._store_asset_event(self._index, waiting.event, id)
        for waiting, id in zip(group, ids, strict=True):
            if waiting.type in ASSET_CHECK_EVENTS:
                self._store_check(waiting, id)

    def _store_check(self, waiting: _Event, id: int) -> None:
        if waiting.type == dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED:
            insert_planned(self._index, waiting.event, id, waiting.row)
        elif not (waiting.event.run_id and update_evaluated(self._index, waiting.event, id, waiting.row)):
            self.store_asset_check_event(waiting.event, id)  # of no run, or of none that planned it

    @contextmanager
    def _transaction(self, shard: str) -> Iterator[Any]:
        with self._engine(shard).begin() as connection:
            # what reads first and writes later gives way to others, for whom it does not wait
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    def delete_events(self, run_id: str) -> None:
        """With the file of the run."""
        super().delete_events(run_id)
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
            try:
                self._commit()
            finally:
                self._waiting, self._unmirrored = [], []  # else the timer opens the files anew
                self._close_runs(0)
                if index := self._engines.pop(INDEX_SHARD_NAME, None):
                    index.dispose()

    def _close_runs(self, most: int) -> None:
        runs = [shard for shard in self._engines if shard != INDEX_SHARD_NAME]
        for shard in runs[: max(len(runs) - most, 0)]:
            self._engines.pop(shard).dispose()
