"""Reads MariaDB: pymysql connects, asks and counts; the rows of a query go from its socket into Arrow, in blocks."""

import re
import socket
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from sqlalchemy.dialects.mysql.pymysql import MySQLDialect_pymysql
from sqlalchemy.engine import URL, make_url

from export_pipelines.connecting import connected
from export_pipelines.errors import DataError, ExportError, RetryableError, SourceError
from export_pipelines.interrupts import cancelled_by
from export_pipelines.plan.dialects.mariadb_values import COLLATION
from export_pipelines.plan.query.query import Query
from export_pipelines.read.bad_json import UnreadableJson
from export_pipelines.read.reals import real_texts
from export_pipelines.read.unknown_row import UnknownRow

if TYPE_CHECKING:
    from pymysql.connections import Connection

CONNECT_S, STATEMENT_S = 10, 4 * 3600
# UTC, so that a time without a zone means UTC; the server waits for a slow reader; lists and warnings are kept whole
SESSION = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES', time_zone = '+00:00',"
    f" max_statement_time = {STATEMENT_S}, net_write_timeout = {STATEMENT_S}, wait_timeout = {STATEMENT_S},"
    " group_concat_max_len = 4294967295, max_error_count = 65535, default_regex_flags = ''",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
)
REMEDY = "look at EXPORT_PIPELINES_SOURCE_URL: mariadb://user:password@host:3306/database"
PLACES = re.compile(r"'(?:[^']|'')*'|`(?:[^`]|``)*`|(\?)")  # what is quoted is no place of a parameter
NOT_THERE = (1054, 1142, 1143, 1146, 1305, 1370, 1356)  # column, right, table, function, view
BAD_VALUE = (1264, 1292, 1365, 1366, 1411, 1690)
BAD_PATTERN = 1139
# gone away, lost, shut down, killed, too many, deadlock, timeouts, network
LOST = (2006, 2013, 2014, 1053, 1077, 1079, 1317, 1927, 1040, 1203, 1205, 1213, 1969, *range(1158, 1162))
FLOAT, DOUBLE = 4, 5
BAD_JSON_CODES = range(4035, 4041)
# faults that are only warnings to MariaDB, which then gives null, or a part, in place of the value
SILENT: tuple[tuple[Sequence[int], type[ExportError], str, str], ...] = (
    (
        BAD_JSON_CODES, UnreadableJson, "JSON that does not parse, in a field that the export or its filter reads",
        "find the rows with JSON_VALID(column) = 0, and mend them",
    ),
    (
        (1260, 1301), DataError, "a list of values is longer than the server gives",
        "raise max_allowed_packet on the server, or group more finely",
    ),
    ((1916,), DataError, "a sum is larger than 64 bits hold", "group more finely, or mend the amounts"),
    ((BAD_PATTERN,), SourceError, "a regular expression was given up on a stored value", "write a simpler one"),
)  # fmt: skip


class MariadbSource:
    """A MariaDB database; see `source.Source` for what it owes."""

    holds_utf8 = False  # what is binary comes as it is

    def __init__(self, url: URL) -> None:
        self.url = url
        self.place = f"{url.host or 'localhost'}:{url.port or 3306}/{url.database or ''}"

    @classmethod
    def from_url(cls, url: str) -> "MariadbSource":
        try:
            import pymysql  # noqa: F401 - the extra may not be installed
        except ImportError as error:
            raise SourceError(
                "the drivers for MariaDB are not installed",
                where="EXPORT_PIPELINES_SOURCE_URL",
                remedy="pip install 'export-pipelines[mariadb]'",
            ) from error
        return cls(make_url(url))

    def check(self, query: Query) -> None:
        with self._connected() as connection, self._errors():
            _scalar(connection, f"EXPLAIN {query.sql}", query)

    def count(self, query: Query) -> int:
        (rows,) = self.counts([query])
        return rows

    def counts(self, queries: Sequence[Query]) -> Iterator[int]:
        with self._connected() as connection, self._errors():
            for query in queries:
                yield int(_scalar(connection, query.count_sql, query))

    def read(self, query: Query) -> Iterator[pa.RecordBatch]:
        names = [column.name for column in query.columns]
        with self._connected() as connection, self._errors(), cancelled_by(lambda: _hang_up(connection)):
            warnings = yield from self._batches(connection, query, names)
            if warnings:
                self._look_into_warnings(connection, query)

    def _batches(
        self, connection: "Connection[Any]", query: Query, names: list[str]
    ) -> Generator[pa.RecordBatch, None, int]:
        from pymysql.cursors import SSCursor

        from export_pipelines.read.mariadb.rows import read_rows

        cursor = connection.cursor(SSCursor)
        cursor.execute(inlined(query.sql, query.values))
        # from here on the rows are ours: pymysql makes an object of each value, and has no other door to them
        inside: Any = connection
        inside._result.unbuffered_active = False
        description: Any = cursor.description
        self._refuse_floats(description, names)
        doubles = [n for n, column in enumerate(description) if column[1] == DOUBLE]
        rows = read_rows(inside._rfile, len(names))
        while True:
            try:
                columns = next(rows)
            except StopIteration as end:
                return int(end.value)
            for n in doubles:
                columns[n] = real_texts(columns[n].cast(pa.float64()))
            yield pa.RecordBatch.from_arrays(columns, names=names)

    @contextmanager
    def _connected(self) -> Iterator["Connection[Any]"]:
        """A session that can only read, and sees one state of the database."""
        import pymysql

        try:
            connection = connected(lambda: pymysql.connect(**self.options()), pymysql.Error)
        except (pymysql.Error, OSError, TypeError, ValueError) as error:
            raise SourceError(
                f"cannot be reached: {_message(error)}", where=self.place, remedy=REMEDY
            ) from error
        with closing(connection):
            self._require_mariadb(connection)
            with self._errors(), connection.cursor() as cursor:
                for statement in SESSION:
                    cursor.execute(statement)
            yield connection

    def options(self) -> dict[str, Any]:
        _, options = MySQLDialect_pymysql().create_connect_args(self.url)
        return {
            "connect_timeout": CONNECT_S,
            "read_timeout": STATEMENT_S + CONNECT_S,
            "program_name": "export_pipelines",
            **options,
            "password": (self.url.password or "").encode(),
            "charset": "utf8mb4",
            "collation": COLLATION,
        }

    def _require_mariadb(self, connection: "Connection[Any]") -> None:
        version = str(connection.get_server_info())  # type: ignore[no-untyped-call]
        if "mariadb" not in version.lower():
            raise SourceError(
                f"the server is MySQL {version}; what it makes of JSON and texts is not MariaDB's, and not read yet",
                where=self.place,
                remedy="this version reads SQLite, PostgreSQL and MariaDB",
            )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """The driver's faults as errors that a person can act on."""
        import pymysql
        from pymysql.err import raise_mysql_exception

        from export_pipelines.read.mariadb.rows import Refused

        try:
            try:
                yield
            except Refused as refused:
                raise_mysql_exception(refused.packet)
        except (pymysql.Error, OSError) as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> Exception:
        code, what = error.args[0] if error.args else None, _message(error)
        if code in NOT_THERE:
            return SourceError(
                what, where=self.place, remedy="name your own tables in a catalog file, or grant SELECT"
            )
        if code == BAD_PATTERN:
            return SourceError(f"MariaDB does not know this regular expression: {what}", where=self.place)
        if code in BAD_VALUE:
            return UnknownRow(f"a stored value cannot be read: {_without_values(what)}", where=self.place)
        if code in LOST or not isinstance(code, int) or isinstance(error, OSError):
            return RetryableError(
                f"the connection broke: {what}; nothing was kept", where=self.place, remedy="run it again"
            )
        return SourceError(f"reading stopped: {_without_values(what)}", where=self.place)

    def _refuse_floats(self, description: Any, names: list[str]) -> None:
        for name, column in zip(names, description, strict=True):
            if column[1] == FLOAT:
                raise SourceError(
                    f"the column of {name} is a FLOAT, of which the server tells six digits only",
                    where=self.place,
                    remedy="make it a DOUBLE or DECIMAL, or read a view that casts it",
                )

    def _look_into_warnings(self, connection: "Connection[Any]", query: Query) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SHOW WARNINGS")
            warning_codes = {row[1] for row in cursor.fetchall()}
        for codes, error, what, remedy in SILENT:
            if codes == BAD_JSON_CODES and query.bad_json_is_null:
                continue
            if warning_codes.intersection(codes):
                raise error(what, where=self.place, remedy=remedy)


def _scalar(connection: "Connection[Any]", sql: str, query: Query) -> Any:
    """The first cell of what `sql` gives."""
    with connection.cursor() as cursor:
        cursor.execute(inlined(sql, query.values))
        row = cursor.fetchone()
    assert row is not None
    return row[0]


def inlined(sql: str, parameters: tuple[str | int | float | None, ...]) -> str:
    """`sql` with its parameters as literals, as the protocol of texts has no others."""
    values = iter(parameters)
    return PLACES.sub(lambda place: _literal(next(values)) if place[1] else place[0], sql)


def _literal(value: str | int | float | None) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"  # backslashes are plain: NO_BACKSLASH_ESCAPES
    return repr(value)


def _hang_up(connection: "Connection[Any]") -> None:
    """The thread that waits for the server's answer hears that the connection has ended."""
    inside: Any = connection
    inside._sock.shutdown(socket.SHUT_RDWR)


def _message(error: Exception) -> str:
    """The server's or the system's words; neither tells the password."""
    return str(error.args[-1]) if error.args else type(error).__name__


def _without_values(text: str) -> str:
    """`Incorrect DECIMAL value: '...'` without what was stored."""
    return re.sub(r"'[^']*'", "'...'", text)
