"""Dagster's storage in files, copied from one that Dagster itself made empty, once a process: making one takes half a second
and hundreds of commits."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from dagster._core.execution import compute_logs
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage

from export_pipelines.files.private import make_folder
from export_pipelines.orchestration.kept_storage import instance_from

MOST_ENGINES = 100
STANDARD_OUTPUT = 1
CONFIG = "storage: {{sqlite: {{base_dir: {folder}}}}}\ntelemetry: {{enabled: false}}\n"


def read_migrations_once() -> None:
    """Alembic reads all of Dagster's migrations, and the ledger's, for each new database; from now on once a process."""
    read_folder = ScriptDirectory.from_config
    scripts: dict[str | None, ScriptDirectory] = {}

    def from_config(_: type[ScriptDirectory], config: Any) -> ScriptDirectory:
        folder = config.get_main_option("script_location")
        if folder not in scripts:
            scripts[folder] = read_folder(config)
        return scripts[folder]

    ScriptDirectory.from_config = classmethod(from_config)  # type: ignore[method-assign, assignment]


def keep_engines() -> None:
    """Dagster makes an engine for each event, and for that SQLAlchemy each of its statements anew: a third of the CPU of a run.
    From now on it makes one for each file; connections are opened and closed as before."""

    @lru_cache(MOST_ENGINES)
    def engine(url: str, poolclass: Any, connect_args: tuple[tuple[str, Any], ...]) -> sa.Engine:
        return sa.create_engine(url, poolclass=poolclass, connect_args=dict(connect_args))

    def create_engine(url: str, poolclass: Any, connect_args: dict[str, Any] | None = None) -> sa.Engine:
        return engine(url, poolclass, tuple((connect_args or {}).items()))

    for module in (sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage):
        module.create_engine = create_engine  # type: ignore[attr-defined]


def print_what_ops_print_afterwards() -> None:
    """Dagster shows what ops print as they print it, by two programs for each of the two streams of each run, one of them a new
    interpreter. In this process, where nobody looks on, it is shown when the step has ended; it is kept in files as ever."""

    @contextmanager
    def show_at_end(path: str, stream: Any) -> Iterator[tuple[int, None]]:
        try:
            yield os.getpid(), None
        finally:
            descriptor = compute_logs._fileno(stream) or STANDARD_OUTPUT  # type: ignore[no-untyped-call]
            os.write(descriptor, Path(path).read_bytes())

    compute_logs.tail_to_stream = show_at_end


@cache
def _empty() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="export_pipelines_dagster_"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "dagster.yaml").write_text(CONFIG.format(folder=folder / "state"), encoding="utf-8")
    with instance_from(str(folder)) as instance:
        instance.get_asset_keys(limit=1)
        instance.get_runs_count()
        instance.all_instigator_state()
    for file in (folder / "state").rglob("*"):
        file.chmod(0o700 if file.is_dir() else 0o600)
    return folder / "state"


def put_storage(folder: Path) -> None:
    """Into a folder that has none."""
    shutil.copytree(_empty(), folder, dirs_exist_ok=True)


def make_with_storage(folder: Path) -> list[Path]:
    """In place of `make_folder` where the program makes the folder of Dagster's storage."""
    missing = make_folder(folder)
    if folder in missing:
        put_storage(folder)
    return missing


@contextmanager
def stored_instance() -> Iterator[dg.DagsterInstance]:
    """An instance with its storage in a folder of its own, as DAGSTER_HOME names it until the block ends."""
    with tempfile.TemporaryDirectory(prefix="export_pipelines_dagster_") as folder:
        put_storage(Path(folder))
        with dg.instance_for_test(temp_dir=folder) as instance:
            yield instance
