"""Of several processes that write into one lead store, one is at work at a time: the others wait, by the database's own lock."""

import hashlib
import sqlite3
import time
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from export_pipelines.errors import StoreError

WAIT_S = 600.0
POLL_S = 0.2
IMPORTING = 0x6C65616473  # of PostgreSQL's advisory locks, away from those of a ledger

Waiting = Callable[[], None]


def take_lock(connection: sa.Connection, waiting: Waiting | None = None) -> None:
    """Takes the lock until the connection's transaction, or the connection itself, ends; on SQLite, begins the transaction.

    `waiting` is called once where another process has it. Raises StoreError after WAIT_S.
    """
    take, ends = TAKE.get(connection.dialect.name, _alone), time.monotonic() + WAIT_S
    while not take(connection):
        if time.monotonic() > ends:
            raise StoreError(
                f"another process has been writing into the lead store for {WAIT_S / 60:.0f} minutes",
                where=connection.engine.url.set(query={}).render_as_string(),
                remedy="nothing was written; wait until it has ended, then run again",
            )
        if waiting:
            waiting()
            waiting = None
        time.sleep(POLL_S)


def _sqlite(connection: sa.Connection) -> bool:
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except OperationalError as error:
        if (
            isinstance(error.orig, sqlite3.Error)
            and error.orig.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
        ):
            return False
        raise
    return True


def _postgresql(connection: sa.Connection) -> bool:
    return bool(connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(IMPORTING))))


def _mysql(connection: sa.Connection) -> bool:
    """Names of locks are those of the whole server, and short."""
    name = hashlib.sha256(str(connection.engine.url.database).encode()).hexdigest()[:32]
    return bool(connection.scalar(sa.select(sa.func.get_lock(f"export_pipelines {name}", 0))))


def _alone(connection: sa.Connection) -> bool:
    """Of a database that names no lock. DuckDB gives its file to one process at a time."""
    return True


TAKE: dict[str, Callable[[sa.Connection], bool]] = {
    "sqlite": _sqlite,
    "postgresql": _postgresql,
    "mysql": _mysql,
    "mariadb": _mysql,
}
