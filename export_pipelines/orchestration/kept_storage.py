"""Dagster's storage in SQLite for one short process: the same files, tables and commits, by connections that stay open.

Dagster opens and closes a file of SQLite for each event, makes SQLAlchemy's statements anew for each, and loads all of its
migrations to learn that a file has tables: half of the CPU of a small run. In comes the storage that dagster.yaml names."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS, create_db_conn_string
from dagster._core.storage.sqlite_storage import (
    DagsterSqliteStorage,
    _event_logs_directory,
    _runs_directory,
    _schedule_directory,
)
from dagster._serdes import ConfigurableClassData

from export_pipelines.ledger.wiping import secure_delete, wipe_journal

OPEN_RUNS = 4  # files of runs held open; a backfill writes to one after the other


def instance_from(folder: str) -> dg.DagsterInstance:
    """The instance of the dagster.yaml in `folder`; if that keeps its state in SQLite, with connections that stay open."""
    ref = InstanceRef.from_dir(folder)
    data = ref.storage_data
    if data and data.class_name == DagsterSqliteStorage.__name__:
        kept = ConfigurableClassData(__name__, KeptStorage.__name__, data.config_yaml)
        ref = ref._replace(storage_data=kept)
    return dg.DagsterInstance.from_ref(ref)


def _engine(url: str) -> Any:
    """What is deleted is written over in the file."""
    engine = create_engine(url, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS})
    secure_delete(engine)
    return engine


def _has_tables(engine: Any) -> bool:
    """Whether Dagster has made its tables in the file, of whatever version: all that it asks at a start, too."""
    with engine.connect() as connection:
        return "alembic_version" in engine.dialect.get_table_names(connection) and bool(
            connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
        )


class KeptEvents(SqliteEventLogStorage):
    def __init__(self, base_dir: str) -> None:
        self._engines: dict[str, Any] = {}  # by shard: the index, and the runs in the order of their last use
        super().__init__(base_dir)

    def _initdb(self, engine: Any, for_index_shard: bool = False) -> None:
        if not _has_tables(engine):
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
                engine = _engine(f"sqlite:///{new}")
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
            engine = self._engines.pop(shard, None) or _engine(self.conn_string_for_shard(shard))
            self._engines[shard] = engine
            self._close_runs(OPEN_RUNS)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
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
        self._close_runs(0)
        if index := self._engines.pop(INDEX_SHARD_NAME, None):
            index.dispose()

    def _close_runs(self, most: int) -> None:
        runs = [shard for shard in self._engines if shard != INDEX_SHARD_NAME]
        for shard in runs[: max(len(runs) - most, 0)]:
            self._engines.pop(shard).dispose()


class _WithoutMigrations:
    """Of the runs' and the schedules' storage: opened without migrations, where the tables of `file` are there."""

    file: str

    @classmethod
    def from_local(cls, base_dir: str, inst_data: ConfigurableClassData | None = None) -> Any:
        url = create_db_conn_string(base_dir, cls.file)
        if (Path(base_dir) / f"{cls.file}.db").is_file():
            engine = _engine(url)
            has_tables = _has_tables(engine)
            engine.dispose()
            if has_tables:
                return cls(url, inst_data)  # type: ignore[call-arg]
        return super().from_local(base_dir, inst_data)  # type: ignore[misc]


class _OpenedSchedules(_WithoutMigrations, SqliteScheduleStorage):
    file = "schedules"


class KeptRuns(_WithoutMigrations, SqliteRunStorage):
    file = "runs"

    @cached_property
    def _engine(self) -> Any:
        return _engine(self._conn_string)

    @contextmanager
    def connect(self) -> Iterator[Any]:
        with self._engine.begin() as connection:
            yield connection

    def wipe(self) -> None:
        """Leaves nothing of deleted runs in the journal."""
        wipe_journal(self._engine)

    def dispose(self) -> None:
        self._engine.dispose()


class KeptStorage(DagsterSqliteStorage):
    """Named in the instance's reference, so that Dagster makes it."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        # its own would open its own storages
        super(DagsterSqliteStorage, self).__init__()  # type: ignore[no-untyped-call]
        self.base_dir, self._inst_data = base_dir, inst_data
        self._run_storage = KeptRuns.from_local(_runs_directory(base_dir))
        self._event_log_storage = KeptEvents(_event_logs_directory(base_dir))
        self._schedule_storage = _OpenedSchedules.from_local(_schedule_directory(base_dir))

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "KeptStorage":
        return cls.from_local(inst_data=inst_data, **config_value)
