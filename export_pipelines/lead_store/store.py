"""Opens a lead store for writing: a URL comes in, an engine with whole transactions goes out."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from export_pipelines.errors import RequestError, SourceError, StoreError
from export_pipelines.files.private import make_database
from export_pipelines.lead_store.one_writer import Waiting, take_lock
from export_pipelines.lead_store.tables import json_text, json_value, metadata
from export_pipelines.settings import driver_url


def create_store(url: str) -> None:
    """Makes the tables that are not there yet. Raises SourceError or StoreError."""
    with writing(url) as connection:
        metadata.create_all(connection)


@contextmanager
def writing(url: str, *, bulk: bool = False, waiting: Waiting | None = None) -> Iterator[Connection]:
    """A connection inside ONE transaction, tables included: all of it is there afterwards, or nothing. While another process
    writes, it is waited for; `waiting` is called before.

    `bulk` trades safety against a power cut for speed, on SQLite. Raises SourceError when the store cannot be
    reached and StoreError when it stops taking rows.
    """
    engine = _engine(url, bulk, waiting)
    try:
        with _connected(engine) as connection:
            try:
                with connection.begin():
                    if engine.dialect.name != "sqlite":
                        take_lock(connection, waiting)
                    yield connection
            except SQLAlchemyError as error:
                raise StoreError(
                    f"the lead store stopped taking rows: {_cause(error)}",
                    where=_place(engine.url),
                    remedy="nothing was written; look at the disk's space and the rights to write",
                ) from error
    finally:
        engine.dispose()


def holds_rows(connection: Connection) -> bool:
    """Whether a table of the lead store is there and not empty."""
    inspector = inspect(connection)
    return any(
        connection.execute(select(table).limit(1)).first() is not None
        for table in metadata.sorted_tables
        if inspector.has_table(table.name)
    )


def _engine(url: str, bulk: bool, waiting: Waiting | None) -> Engine:
    try:
        engine = create_engine(driver_url(url), json_serializer=json_text, json_deserializer=json_value)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise RequestError(
            "the URL of the lead store is not one that can be opened",
            where="EXPORT_PIPELINES_SOURCE_URL",
            remedy="for example sqlite:////var/lib/leads.db, postgresql://host/database or mariadb://host/database",
        ) from error
    if engine.dialect.name == "sqlite":
        _make_file(engine.url)
        _make_transactions_whole(engine, bulk, waiting)
    if engine.dialect.name == "postgresql":  # who waited for another writer has to see what that one wrote
        return engine.execution_options(isolation_level="READ COMMITTED")
    return engine


def _make_file(url: URL) -> None:
    try:
        if url.database and url.database != ":memory:" and not url.query:
            make_database(Path(url.database))
    except OSError as error:
        raise StoreError(f"cannot make the file: {error.strerror}", where=_place(url)) from error


def _make_transactions_whole(engine: Engine, bulk: bool, waiting: Waiting | None) -> None:
    """Python's sqlite3 commits before it makes a table; here BEGIN is ours, so DDL belongs to the transaction."""

    @event.listens_for(engine, "connect")
    def _connect(raw: Any, _: Any) -> None:
        raw.isolation_level = None
        raw.execute("PRAGMA temp_store = MEMORY")  # sorting and indexing write no file of leads
        raw.execute("PRAGMA foreign_keys = ON" if not bulk else "PRAGMA foreign_keys = OFF")
        if bulk:
            raw.execute("PRAGMA synchronous = OFF")
            raw.execute("PRAGMA cache_size = -65536")  # KiB

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        take_lock(connection, waiting)


def _connected(engine: Engine) -> Connection:
    try:
        return engine.connect()
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise SourceError(
            f"cannot open the lead store: {_cause(error)}",
            where=_place(engine.url),
            remedy="look at EXPORT_PIPELINES_SOURCE_URL, and whether the server runs",
        ) from error


def _place(url: URL) -> str:
    """Where the store is; the password as stars, and no options, which may hold one too."""
    return url.set(query={}).render_as_string()


def _cause(error: Exception) -> str:
    """The class of the fault; a driver's text may quote a value or a password."""
    origin = getattr(error, "orig", None) or error
    if isinstance(origin, sqlite3.Error):
        return str(origin)  # SQLite's texts name tables and columns, never values
    return type(origin).__name__
