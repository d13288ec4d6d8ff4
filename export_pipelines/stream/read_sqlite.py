"""Reads SQLite: ADBC column by column; Python's sqlite3 where a query calls functions that only it can register."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import adbc_driver_sqlite.dbapi as adbc
import pyarrow as pa
from sqlalchemy.engine import make_url

from export_pipelines.catalog import Kind
from export_pipelines.errors import SourceError
from export_pipelines.plan.plan import Query
from export_pipelines.stream import sql_functions
from export_pipelines.stream.bad_json import UnreadableJson

BATCH_ROWS = 4096  # about 4 MB of wide leads
IN_MEMORY = "PRAGMA temp_store = MEMORY"  # what SQLite sorts would else lie in files of /tmp, unmasked
MAY_BE_REAL = (Kind.NUMBER, Kind.DECIMAL)
DIGITS = "printf('%!.{}g', {{0}})"
# the fewest digits that read back equal
SHORTEST = (
    "CASE "
    + " ".join(f"WHEN CAST({DIGITS.format(n)} AS REAL) = {{0}} THEN {DIGITS.format(n)}" for n in (15, 16))
    + f" ELSE {DIGITS.format(17)} END"
)
AS_IT_IS = "{0}"  # for Python, which spells it so itself
REMEDY = "set EXPORT_PIPELINES_SOURCE_URL, or fill a store: export-pipelines sample leads, or import leads FILE.csv"


class SqliteSource:
    """A SQLite file, opened read-only; see `source.Source` for what it owes."""

    holds_utf8 = False

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def from_url(cls, url: str) -> "SqliteSource":
        database = make_url(url).database
        if not database or database == ":memory:":
            raise SourceError("a SQLite source is a file", where="EXPORT_PIPELINES_SOURCE_URL", remedy=REMEDY)
        return cls(Path(database))

    def check(self, query: Query) -> None:
        with closing(self._connect(query)) as connection:
            try:
                connection.execute(f"EXPLAIN {query.sql}", query.parameters).fetchall()
            except sqlite3.DatabaseError as error:
                raise self._refused(connection, error) from error

    def count(self, query: Query) -> int:
        with closing(self._connect(query)) as connection:
            try:
                return int(connection.execute(query.count_sql, query.parameters).fetchone()[0])
            except sqlite3.DatabaseError as error:
                raise self._broken(connection, query, error) from error

    def read(self, query: Query) -> Iterator[pa.RecordBatch]:
        return self._with_functions(query) if query.functions else self._by_column(query)

    def _by_column(self, query: Query) -> Iterator[pa.RecordBatch]:
        # ADBC takes types from the first rows: a first row of texts makes every column text. A subquery keeps its
        # order because it has a LIMIT; a bare ORDER BY inside a compound may be dropped.
        texts = ", ".join("''" for _ in query.columns)
        sql = f"SELECT {texts} UNION ALL {_as_texts(query, SHORTEST)}"
        self._demand_file()
        try:
            with (
                adbc.connect(f"file:{_quoted(self.path)}?mode=ro") as driver,
                driver.cursor() as cursor,
            ):
                cursor.execute(IN_MEMORY)
                cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(BATCH_ROWS)})
                cursor.execute(sql, query.parameters)
                first = True
                for batch in cursor.fetch_record_batch():
                    rows = batch.slice(1) if first else batch
                    first = False
                    if rows.num_rows:
                        yield rows.rename_columns([column.name for column in query.columns])
        except (adbc.Error, OSError, pa.ArrowException) as error:
            with closing(self._connect(query)) as connection:
                raise self._broken(connection, query, error) from error

    def _with_functions(self, query: Query) -> Iterator[pa.RecordBatch]:
        names = [column.name for column in query.columns]
        with closing(self._connect(query)) as connection:
            connection.text_factory = bytes  # undecoded, so that a broken text is told as one by `conform`
            try:
                cursor = connection.execute(_as_texts(query, AS_IT_IS), query.parameters)
                while rows := cursor.fetchmany(BATCH_ROWS):
                    columns = [
                        pa.array(map(_text, column), pa.binary()).view(pa.string())
                        for column in zip(*rows, strict=True)
                    ]
                    yield pa.RecordBatch.from_arrays(columns, names=names)
            except sqlite3.DatabaseError as error:
                connection.text_factory = str
                raise self._broken(connection, query, error) from error

    def _demand_file(self) -> None:
        if not self.path.is_file():
            raise SourceError("there is no database", where=str(self.path), remedy=REMEDY)

    def _connect(self, query: Query) -> sqlite3.Connection:
        self._demand_file()
        try:
            connection = sqlite3.connect(f"file:{_quoted(self.path)}?mode=ro", uri=True)
            connection.execute(IN_MEMORY)
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        except sqlite3.DatabaseError as error:
            raise SourceError(f"cannot be read: {error}", where=str(self.path), remedy=REMEDY) from error
        if query.functions:
            sql_functions.register(connection)
        return connection

    def _refused(self, connection: sqlite3.Connection, error: Exception) -> SourceError:
        tables = [
            row[0]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
        ]
        there = f"there are: {', '.join(sorted(tables))}" if tables else "it holds no table"
        return SourceError(
            f"{error}; {there}",
            where=str(self.path),
            remedy=f"{REMEDY}; or name your own tables in a catalog file",
        )

    def _broken(self, connection: sqlite3.Connection, query: Query, error: Exception) -> Exception:
        """The error that a person can act on: JSON that a filter cannot read, a missing table, or a broken file."""
        if "malformed JSON" in str(error):
            return UnreadableJson(
                "JSON that does not parse, in a column that the filter or the report asks about",
                where=str(self.path),
                remedy="find its rows with `NOT json_valid(column)` and mend them, or write `bad_json: null` in the export",
            )
        if "no such" in str(error):
            return self._refused(connection, error)
        return SourceError(f"reading stopped: {error}", where=str(self.path))


def _as_texts(query: Query, real: str) -> str:
    """The query with every value as SQLite spells it, and a REAL as `real` does: CAST cuts it to fifteen digits, and ADBC
    one among texts to seven. Only in numbers: to ask texts, too, takes more than to read them."""
    names = [(f'"{column.name}"', column.kind in MAY_BE_REAL) for column in query.columns]
    texts = ", ".join(
        f"CASE typeof({name}) WHEN 'real' THEN {real.format(name)} ELSE CAST({name} AS TEXT) END"
        if may_be_real
        else f"CAST({name} AS TEXT)"
        for name, may_be_real in names
    )
    return f"SELECT {texts} FROM ({query.sql} LIMIT -1)"  # noqa: S608 - made by the plan


def _text(value: object) -> bytes | None:
    return value if value is None or isinstance(value, bytes) else str(value).encode()


def _quoted(path: Path) -> str:
    """A path inside an SQLite URI."""
    return str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
