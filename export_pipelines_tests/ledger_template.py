"""New ledgers in SQLite, copied from one that the migrations made, once a process: they take 30 to 50 ms, and thousands of
tests begin with a ledger of their own."""

import atexit
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path

import sqlalchemy as sa

import export_pipelines.ledger

OPENING = sys.modules[f"{export_pipelines.ledger.__name__}.open_ledger"]
migrate = OPENING._migrate


def copy_new_ledgers() -> None:
    """From now on, in place of the migrations, where there is nothing to migrate."""
    OPENING._migrate = _migrate  # type: ignore[attr-defined]


def _migrate(engine: sa.Engine, address: sa.URL) -> None:
    if address.get_backend_name() != "sqlite":
        migrate(engine, address)
        return
    with OPENING._alone(engine, address):
        is_new = not sa.inspect(engine).get_table_names()
        if is_new:
            with (
                closing(sqlite3.connect(f"file:{_template()}?immutable=1", uri=True)) as template,
                closing(engine.raw_connection()) as connection,
            ):
                template.backup(connection.driver_connection)  # type: ignore[arg-type]
    if not is_new:
        migrate(engine, address)


@cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="export_pipelines_ledger_"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    address = sa.make_url(f"sqlite:///{folder / 'ledger.db'}")
    engine = sa.create_engine(address)
    migrate(engine, address)
    engine.dispose()
    return folder / "ledger.db"
