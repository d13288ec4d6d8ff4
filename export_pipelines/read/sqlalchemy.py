"""Reads any other database through its SQLAlchemy dialect and driver: rows as Python values, column by column to text."""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from itertools import takewhile
from threading import Event, Timer
from typing import Any
from urllib.parse import quote_plus

import pyarrow as pa
from sqlalchemy import Connection, Engine, Result, Row, TextClause, create_engine, func, select, text
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DataError as DriverDataError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import InterfaceError as DriverInterfaceError
from sqlalchemy.exc import OperationalError as DriverOperationalError
from sqlalchemy.pool import NullPool
from sqlalchemy.util import get_cls_kwargs

from export_pipelines.connecting import connected
from export_pipelines.errors import ExportError, RetryableError, SettingsError, SourceError
from export_pipelines.plan.dialects.generic import not_installed, sqlalchemy_dialect
from export_pipelines.plan.query.query import Query
from export_pipelines.read.spelled_rows import Spelling
from export_pipelines.read.unknown_row import UnknownRow

BATCH_ROWS = 2048
STREAMED = {"stream_results": True, "max_row_buffer": BATCH_ROWS}
STATEMENT_S = 4 * 3600
SNAPSHOTS = ("REPEATABLE READ", "SERIALIZABLE")  # the first that the database has
ZONES = {  # how a session says that a time without a zone means UTC; the standard's words where none stand here
    "mysql": "SET time_zone = '+00:00'",
    "oracle": "ALTER SESSION SET TIME_ZONE = 'UTC'",
    "snowflake": "ALTER SESSION SET TIMEZONE = 'UTC'",
}
ZONE = "SET TIME ZONE 'UTC'"
READ_ONLY = "SET TRANSACTION READ ONLY"
OPTIONS: dict[str, dict[str, Any]] = {"duckdb": {"config": {"access_mode": "READ_ONLY"}}}
WHERE = "EXPORT_PIPELINES_SOURCE_URL"
REMEDY = f"look at {WHERE}"
PLACES = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`|\[[^\]]*\]|(\?)|:")
SECRET_NAME = re.compile(r"(?i)pwd|password|token|secret|key")
SECRET = re.compile(r"(?i)((?:pwd|password|token|secret|key)\w{0,40}\s{0,9}[=:]\s*)[^\s;&,)]+")


class SqlalchemySource:
    """A database that has no reader of its own; see `source.Source` for what it owes. Nothing is ever committed."""

    holds_utf8 = False

    def __init__(self, engine: Engine, statement_s: float = STATEMENT_S) -> None:
        self.engine, self.statement_s = engine, statement_s
        url = engine.url
        server = f"{url.host}:{url.port}/" if url.host and url.port else f"{url.host}/" if url.host else ""
        self.place = f"{url.get_backend_name()} {server}{url.database or ''}"

    @classmethod
    def from_url(cls, url: str) -> "SqlalchemySource":
        try:
            address = make_url(url)
            name = address.get_backend_name()
            sqlalchemy_dialect(name)
            return cls(_engine(address))
        except ModuleNotFoundError as error:
            raise not_installed(name, error.name or name) from error
        except (SQLAlchemyError, TypeError, ValueError) as error:
            raise SettingsError(
                "this is no URL that SQLAlchemy can open",
                where=WHERE,
                remedy="for example duckdb:////var/lib/leads.duckdb or mssql+pyodbc://user:password@host/database",
            ) from error

    def check(self, query: Query) -> None:
        # not every database sorts inside of brackets
        rows = query.sql.rpartition(" ORDER BY ")[0] or query.sql
        self._scalar(query, f"SELECT count(*) FROM ({rows}) asked WHERE 1 = 0")  # noqa: S608 - made by the plan

    def count(self, query: Query) -> int:
        return int(self._scalar(query, query.count_sql))

    def counts(self, queries: Sequence[Query]) -> Iterator[int]:
        yield from map(self.count, queries)

    def read(self, query: Query) -> Iterator[pa.RecordBatch]:
        spelling = Spelling(query.columns, self.place, infinite=isinstance(self.engine.dialect, PGDialect))
        with self._asked(query, query.sql) as result, spelling:
            while rows := self._rows(result):
                yield spelling.batch(rows)

    def _scalar(self, query: Query, sql: str) -> Any:
        """The first cell of what `sql` gives."""
        with self._asked(query, sql) as result:
            (row,) = self._rows(result)
            return row[0]

    @contextmanager
    def _asked(self, query: Query, sql: str) -> Iterator[Result[Any]]:
        """What `sql` gives, in a session that sees one state of the database and ends with nothing changed."""
        with self.connected() as connection, self._deadline(connection):
            with self.errors("the statement was refused"):
                result = connection.execute(*_bound(sql, query.values), execution_options=STREAMED)
            yield result

    def _rows(self, result: Result[Any]) -> Sequence[Row[Any]]:
        with self.errors("reading stopped", begun=True):
            return result.fetchmany(BATCH_ROWS)

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """A session that sees one state of the database in each transaction, in UTC. Raises SourceError."""
        try:
            connection = connected(self.engine.connect, self.foreign)
        except Exception as error:  # options and keys of any driver can be wrong in ways of its own
            raise SourceError(
                f"cannot be reached: {self._message(error)}", where=self.place, remedy=REMEDY
            ) from error
        with closing(connection):
            self._require_snapshot(connection)
            self._try(connection, READ_ONLY)
            self._try(connection, ZONES.get(self.engine.dialect.name, ZONE))
            self._require_utc(connection)
            yield connection

    def _require_snapshot(self, connection: Connection) -> None:
        for level in SNAPSHOTS:
            # a database may lack it, and a dialect may offer what its database lacks: one statement is all that is asked
            with suppress(*self.foreign, NotImplementedError, AttributeError):
                connection.execution_options(isolation_level=level)
                return

    def _try(self, connection: Connection, setting: str) -> None:
        """What a database sets its session to, if it knows these words."""
        with self.errors("the session was refused"):
            try:
                connection.exec_driver_sql(setting)
            except self.foreign:
                connection.rollback()

    def _require_utc(self, connection: Connection) -> None:
        """Raises SourceError for a session in another zone, where a time without one would mean another moment."""
        with self.errors("the session was refused"):
            now = connection.execute(select(func.current_timestamp())).scalar()
        shift = now.utcoffset() if isinstance(now, datetime) else None
        if shift:
            raise SourceError(
                f"the session's clock is {shift} away from UTC",
                where=self.place,
                remedy="let the server, or the options in the URL, set the session's time zone to UTC",
            )

    @contextmanager
    def _deadline(self, connection: Connection) -> Iterator[None]:
        """Ends a statement that takes too long, where the driver has a word for it."""
        driver = connection.connection.dbapi_connection
        stop = getattr(driver, "cancel", None) or getattr(driver, "interrupt", None)
        if stop is None:
            yield
            return
        over = Event()

        def end() -> None:
            over.set()
            stop()

        timer = Timer(self.statement_s, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        except ExportError as error:
            if not over.is_set():
                raise
            raise RetryableError(
                f"the statement took more than {self.statement_s:g} s, and was ended",
                where=self.place,
                remedy="ask for a smaller window, or run it again when the database has less to do",
            ) from error
        finally:
            timer.cancel()

    @property
    def foreign(self) -> tuple[type[Exception], ...]:
        """Every class of error that the driver, or SQLAlchemy for it, may raise."""
        return SQLAlchemyError, self.engine.dialect.loaded_dbapi.Error, OSError

    @contextmanager
    def errors(self, what: str, *, begun: bool = False) -> Iterator[None]:
        """The driver's faults as errors that a person can act on; `begun` when rows were coming already."""
        try:
            yield
        except self.foreign as error:
            raise self._failure(error, what, begun) from error

    def _failure(self, error: Exception, what: str, begun: bool) -> ExportError:
        message = self._message(error)
        lost = isinstance(error, OSError) or (isinstance(error, DBAPIError) and error.connection_invalidated)
        if isinstance(error, DriverDataError):
            return UnknownRow(f"a stored value cannot be read: {_without_values(message)}", where=self.place)
        if lost or (begun and isinstance(error, DriverOperationalError | DriverInterfaceError)):
            return RetryableError(
                f"the connection broke: {message}; nothing was kept", where=self.place, remedy="run it again"
            )
        return SourceError(
            f"{what}: {message}",
            where=self.place,
            remedy="name your own tables in a catalog file, or grant SELECT",
        )

    def _message(self, error: Exception) -> str:
        """The driver's own words up to where it repeats the statement; no password."""
        origin = getattr(error, "orig", None) or error
        texts = [arg for arg in origin.args if isinstance(arg, str)]
        lines = (texts[-1] if texts else str(origin)).strip().splitlines()
        said = " ".join(takewhile(lambda line: line.strip() and not line.startswith("LINE "), lines))
        url = self.engine.url
        hidden = [url.password or "", *(str(v) for k, v in url.query.items() if SECRET_NAME.search(k))]
        for secret in filter(None, hidden):
            for spelled in (secret, quote_plus(secret)):
                said = re.sub(rf"(?<!\w){re.escape(spelled)}(?!\w)", "***", said)
        return SECRET.sub(r"\1***", said) or type(origin).__name__


def _engine(url: URL) -> Engine:
    more: dict[str, Any] = {}
    if "json_deserializer" in get_cls_kwargs(url.get_dialect()):
        more["json_deserializer"] = _as_it_is
    options = OPTIONS.get(url.get_backend_name(), {})
    return create_engine(url, poolclass=NullPool, connect_args=options, **more)


def _as_it_is(stored: str | bytes) -> str | bytes:
    """JSON that is not parsed keeps its numbers."""
    return stored


def _bound(sql: str, parameters: tuple[str | int | float | None, ...]) -> tuple[TextClause, dict[str, Any]]:
    """The plan's SQL with named parameters, which SQLAlchemy says in the driver's way."""
    values = {f"p{n}": value for n, value in enumerate(parameters)}
    names = iter(values)

    def place(match: re.Match[str]) -> str:
        return f":{next(names)}" if match[1] else match[0].replace(":", "\\:")

    return text(PLACES.sub(place, sql)), values


def _without_values(said: str) -> str:
    return re.sub(r"""(['"]).*?\1""", "'...'", said)
