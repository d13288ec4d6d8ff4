"""Dagster's storage in SQLite for one short process: the same files, tables and commits, by connections that stay open.

Dagster opens and closes a file of SQLite for each event, makes SQLAlchemy's statements anew for each, and loads all of its
migrations to learn that a file has tables: half of the CPU of a small run. In comes the storage that dagster.yaml names."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.sqlite import create_db_conn_string
from dagster._core.storage.sqlite_storage import (
    DagsterSqliteStorage,
    _event_logs_directory,
    _runs_directory,
    _schedule_directory,
)
from dagster._serdes import ConfigurableClassData

from export_pipelines.ledger.wiping import wipe_journal
from export_pipelines.orchestration.kept_events import KeptEvents, engine_of, has_tables


def instance_from(folder: str) -> dg.DagsterInstance:
    """The instance of the dagster.yaml in `folder`; if that keeps its state in SQLite, with connections that stay open."""
    ref = InstanceRef.from_dir(folder)
    data = ref.storage_data
    if data and data.class_name == DagsterSqliteStorage.__name__:
        kept = ConfigurableClassData(__name__, KeptStorage.__name__, data.config_yaml)
        ref = ref._replace(storage_data=kept)
    return dg.DagsterInstance.from_ref(ref)


class _WithoutMigrations:
    """Of the runs' and the schedules' storage: opened without migrations, where the tables of `file` are there."""

    file: str

    @classmethod
    def from_local(cls, base_dir: str, inst_data: ConfigurableClassData | None = None) -> Any:
        url = create_db_conn_string(base_dir, cls.file)
        if (Path(base_dir) / f"{cls.file}.db").is_file():
            engine = engine_of(url)
            is_ready = has_tables(engine)
            engine.dispose()
            if is_ready:
                return cls(url, inst_data)  # type: ignore[call-arg]
        return super().from_local(base_dir, inst_data)  # type: ignore[misc]


class _OpenedSchedules(_WithoutMigrations, SqliteScheduleStorage):
    file = "schedules"


class KeptRuns(_WithoutMigrations, SqliteRunStorage):
    file = "runs"

    @cached_property
    def _engine(self) -> Any:
        return engine_of(self._conn_string)

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
