"""Reads any other database through SQLAlchemy, row by row in Python: slower than a reader of its own, and as exact."""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pyarrow as pa
import simplejson
from sqlalchemy import (
    Connection,
    DateTime,
    Engine,
    NullPool,
    cast,
    create_engine,
    literal,
    select,
    text,
    type_coerce,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import DataError as BadValue
from sqlalchemy.types import NullType

from export_pipelines.errors import DataError, RetryableError, SourceError
from export_pipelines.plan.plan import Query
from export_pipelines.stream.connecting import connected

BATCH_ROWS = 4096
VARIABLE = "EXPORT_PIPELINES_SOURCE_URL"
REMEDY = f"look at {VARIABLE}: it is a URL of SQLAlchemy, kind://user:password@host/database"
UTC_SESSION = ("SET TIME ZONE 'UTC'", "SET TimeZone = 'UTC'", "ALTER SESSION SET TIME_ZONE = '+00:00'")
INFINITE = "infinity"  # what drivers make the first and the last time of Python of, and `conform` refuses
ENDS = tuple(end.replace(tzinfo=dt.UTC) for end in (dt.datetime.min, dt.datetime.max))  # noqa: DTZ901 - it has one
NOON = dt.datetime(2024, 7, 1, 12)  # noqa: DTZ001 - as a clock of UTC shows it
PLACES = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|(\?)"
)  # what is quoted is no place of a parameter


class SqlalchemySource:
    """A database with an SQLAlchemy dialect; see `source.Source` for what it owes."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.place = _place(engine.url)

    @classmethod
    def from_url(cls, url: str) -> "SqlalchemySource":
        try:
            return cls(create_engine(url, poolclass=NullPool))
        except NoSuchModuleError as error:
            raise SourceError(
                f'SQLAlchemy knows no database "{url.partition(":")[0]}"',
                where=VARIABLE,
                remedy="install the package that brings its SQLAlchemy dialect, for example `pip install duckdb-engine`",
            ) from error
        except ModuleNotFoundError as error:
            raise SourceError(
                f"the driver of this database, {error.name}, is not installed",
                where=VARIABLE,
                remedy=f"pip install {error.name}",
            ) from error
        except ArgumentError as error:
            raise SourceError("this is no URL of a database", where=VARIABLE, remedy=REMEDY) from error

    def check(self, query: Query) -> None:
        rows, _, _ = query.sql.rpartition(" ORDER BY ")
        self._one(query, f"SELECT count(*) FROM ({rows or query.sql}) checked WHERE 1 = 0")  # noqa: S608

    def count(self, query: Query) -> int:
        return int(self._one(query, query.count_sql))

    def read(self, query: Query) -> Iterator[pa.RecordBatch]:
        names = [column.name for column in query.columns]
        with self._connected() as connection, self._errors():
            options = {"stream_results": True, "max_row_buffer": BATCH_ROWS}
            result = connection.execution_options(**options).execute(*_statement(query, query.sql))
            while rows := result.fetchmany(BATCH_ROWS):
                columns = [[_spelled(value) for value in column] for column in zip(*rows, strict=True)]
                yield pa.RecordBatch.from_arrays(
                    [pa.array(column, pa.string()) for column in columns], names=names
                )

    def _one(self, query: Query, sql: str) -> Any:
        """The first cell of what `sql` gives."""
        with self._connected() as connection, self._errors():
            return connection.execute(*_statement(query, sql)).scalar_one()

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """A session whose clock shows UTC."""
        try:
            connection = connected(self.engine.connect, DBAPIError)
        except (SQLAlchemyError, OSError) as error:
            raise SourceError(
                f"cannot be reached: {self._told(error)}", where=self.place, remedy=REMEDY
            ) from error
        with connection:
            self._demand_utc(connection)
            yield connection

    def _demand_utc(self, connection: Connection) -> None:
        """Sets and proves the zone, as far as the database has times with zones."""
        for statement in UTC_SESSION:
            if _accepts(connection, statement):
                break
        zoned = cast(literal(f"{NOON}+00:00"), DateTime(timezone=True))
        try:
            clock = connection.execute(select(type_coerce(cast(zoned, DateTime()), NullType()))).scalar_one()
        except SQLAlchemyError:
            connection.rollback()
            return
        if isinstance(clock, dt.datetime) and clock != NOON:
            raise SourceError(
                f"the session's zone is not UTC: 12:00 UTC is {clock:%H:%M} to it",
                where=self.place,
                remedy="set the zone of the database or of its user to UTC",
            )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """The driver's faults as errors that a person can act on."""
        try:
            yield
        except BadValue as error:
            raise DataError(
                f"a stored value cannot be read: {_without_values(self._told(error))}", where=self.place
            ) from error
        except (SQLAlchemyError, OSError) as error:
            if isinstance(error, OSError | OperationalError) or getattr(
                error, "connection_invalidated", False
            ):
                raise RetryableError(
                    f"the connection broke: {_without_values(self._told(error))}; nothing was kept",
                    where=self.place,
                    remedy="run it again",
                ) from error
            raise SourceError(
                _without_values(self._told(error)),
                where=self.place,
                remedy="name your own tables in a catalog file, or grant SELECT",
            ) from error

    def _told(self, error: Exception) -> str:
        """The driver's first line, without the password."""
        told = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
        password = self.engine.url.password
        return (told.replace(str(password), "***") if password else told).splitlines()[0]


def _accepts(connection: Connection, statement: str) -> bool:
    try:
        connection.exec_driver_sql(statement)
    except SQLAlchemyError:
        connection.rollback()
        return False
    return True


def _statement(query: Query, sql: str) -> tuple[Any, dict[str, Any]]:
    """The plan's SQL, whose parameters are question marks, for whatever marks the driver takes."""
    values = {f"p{number}": value for number, value in enumerate(query.parameters)}
    names = iter(values)

    def named(place: re.Match[str]) -> str:
        return f":{next(names)}" if place[1] else place[0].replace(":", r"\:")

    return text(PLACES.sub(named, sql)), values


def _spelled(value: Any) -> str | None:
    """A driver's value as text that `conform` takes; none is rounded on the way."""
    if value is None or isinstance(value, str):
        return value
    spell = next((spell for type, spell in SPELLINGS.items() if isinstance(value, type)), str)
    return spell(value)


def _in_utc(moment: dt.datetime) -> str:
    if moment.replace(tzinfo=dt.UTC) in ENDS:
        return INFINITE
    return (moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment).isoformat()


def _json(value: object) -> str:
    return simplejson.dumps(value, use_decimal=True, ensure_ascii=False, separators=(",", ":"))


def _decoded(data: Any) -> str:
    try:
        return bytes(data).decode()
    except UnicodeDecodeError as error:
        raise DataError(
            "a stored text is not UTF-8", remedy="mend the row, or leave the field out"
        ) from error


SPELLINGS: dict[Any, Callable[[Any], str]] = {
    bool: lambda truth: "true" if truth else "false",
    Decimal: lambda number: format(number, "f"),
    dt.datetime: _in_utc,
    dt.date: lambda day: INFINITE if day in (dt.date.min, dt.date.max) else day.isoformat(),
    (dict, list, tuple): _json,
    (bytes, bytearray, memoryview): _decoded,
}


def _place(url: URL) -> str:
    return url.set(query={}).render_as_string()


def _without_values(told: str) -> str:
    return re.sub(r"'[^']*'", "'...'", told)
