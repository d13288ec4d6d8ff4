"""Reads SQLite: ADBC column by column; Python's sqlite3 where a query calls functions that only it can register."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import adbc_driver_manager
import adbc_driver_sqlite
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy.engine import make_url

from export_pipelines.errors import SourceError
from export_pipelines.plan.query.query import Query
from export_pipelines.plan.query.select import ORDER_BY
from export_pipelines.read import adbc, sql_functions
from export_pipelines.read.bad_json import UnreadableJson
from export_pipelines.read.reals import real_text, real_texts
from export_pipelines.read.source import OutOfOrder

BATCH_CELLS = 200_000  # 4 MB: of small batches each costs more than its rows
FETCHED_ROWS = 4096
IN_MEMORY = "PRAGMA temp_store = MEMORY"  # what SQLite sorts would else lie in files of /tmp, unmasked
TEXT = "TEXT"  # the affinity of a column that can hold no REAL
AS_TEXT = 'CAST("{0}" AS TEXT)'  # of a REAL fifteen digits
REAL_ALONE = """CASE typeof("{0}") WHEN 'real' THEN "{0}" END"""
REAL_OR_TEXT = REAL_ALONE.replace("END", f"ELSE {AS_TEXT} END")
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
                connection.execute(f"EXPLAIN {query.sql}", query.values).fetchall()
            except sqlite3.DatabaseError as error:
                raise self._refused(connection, error) from error

    def count(self, query: Query) -> int:
        with closing(self._connect(query)) as connection:
            try:
                return int(connection.execute(query.count_sql, query.values).fetchone()[0])
            except sqlite3.DatabaseError as error:
                raise self._broken(connection, query, error) from error

    def counts(self, queries: Sequence[Query]) -> Iterator[int]:
        yield from map(self.count, queries)

    def read(self, query: Query) -> Iterator[pa.RecordBatch]:
        ordered = self._ordered(query)
        return self._with_functions(ordered) if query.functions else self._by_column(ordered)

    def _ordered(self, query: Query) -> Query:
        """The query that sorts by moments, which an index can only do where all times are spelled alike."""
        if query.mixed is None:
            return query
        with closing(self._connect(query)) as connection:
            try:
                (is_mixed,) = connection.execute(query.mixed.asks, query.mixed.parameters).fetchone()
            except sqlite3.DatabaseError as error:
                raise self._broken(connection, query, error) from error
        if not is_mixed:
            return query
        if query.mixed.order is None:
            raise OutOfOrder("times are spelled in more than one way", where=str(self.path))
        sql = "".join((*query.sql.rpartition(ORDER_BY)[:2], query.mixed.order))
        return query.model_copy(update={"sql": sql})

    def _by_column(self, query: Query) -> Iterator[pa.RecordBatch]:
        names, numeric = [column.name for column in query.columns], self._numeric(query)
        # ADBC takes types from the first row: texts, and after them the REALs apart, which it would cut to seven digits
        # among texts. A subquery keeps its order because it has a LIMIT; a bare ORDER BY inside a compound may be dropped.
        types = ["''"] * len(names) + ["0.0"] * len(numeric)
        values = [AS_TEXT.format(name) for name in names] + [REAL_ALONE.format(name) for name in numeric]
        sql = f"SELECT {', '.join(types)} UNION ALL {_selected(values, query)}"
        self._require_file()
        try:
            database = adbc_driver_sqlite.connect(f"file:{_quoted(self.path)}?mode=ro")
            rows = {"adbc.sqlite.query.batch_rows": str(max(1, BATCH_CELLS // len(names)))}
            with adbc.opened(database, **rows) as statement:
                statement.set_sql_query(IN_MEMORY)
                statement.execute_update()
                first = True
                for batch in adbc.batches(statement, sql, query.values):
                    rows = batch.slice(1) if first else batch
                    first = False
                    if rows.num_rows:
                        columns = dict(zip(names, rows.columns, strict=False))
                        for name, values in zip(numeric, rows.columns[len(names) :], strict=True):
                            if values.null_count < rows.num_rows:
                                columns[name] = pc.coalesce(real_texts(values), columns[name])
                        yield pa.RecordBatch.from_arrays([*columns.values()], names=names)
        except (adbc_driver_manager.Error, OSError, pa.ArrowException) as error:
            with closing(self._connect(query)) as connection:
                raise self._broken(connection, query, error) from error

    def _with_functions(self, query: Query) -> Iterator[pa.RecordBatch]:
        names, numeric = [column.name for column in query.columns], self._numeric(query)
        values = [(REAL_OR_TEXT if name in numeric else AS_TEXT).format(name) for name in names]
        with closing(self._connect(query)) as connection:
            connection.text_factory = bytes  # undecoded, so that a broken text is told as one by `conform`
            try:
                cursor = connection.execute(_selected(values, query), query.values)
                while rows := cursor.fetchmany(FETCHED_ROWS):
                    columns = [
                        pa.array(map(_text, column), pa.binary()).view(pa.string())
                        for column in zip(*rows, strict=True)
                    ]
                    yield pa.RecordBatch.from_arrays(columns, names=names)
            except sqlite3.DatabaseError as error:
                connection.text_factory = str
                raise self._broken(connection, query, error) from error

    def _numeric(self, query: Query) -> list[str]:
        """The columns of the query that can hold a REAL: only they are asked, since to ask takes more than to read. SQLite
        tells of a table that is made of the query, without rows. What lies inside JSON is given as text, though SQLite
        does not say so."""
        with closing(self._connect(query)) as connection:
            connection.execute(
                f"CREATE TEMP TABLE shape AS SELECT * FROM ({query.sql}) LIMIT 0",  # noqa: S608 - made by the plan
                query.values,
            )
            types = [row[2] for row in connection.execute("PRAGMA temp.table_info(shape)")]
        return [
            column.name
            for column, type in zip(query.columns, types, strict=True)
            if type != TEXT and not column.in_json and column.name not in query.marked
        ]

    def _require_file(self) -> None:
        if not self.path.is_file():
            raise SourceError("there is no database", where=str(self.path), remedy=REMEDY)

    def _connect(self, query: Query) -> sqlite3.Connection:
        connection = self.connect()
        if query.functions:
            sql_functions.register(connection)
        return connection

    def connect(self) -> sqlite3.Connection:
        """A connection that can only read. Raises SourceError."""
        self._require_file()
        try:
            connection = sqlite3.connect(f"file:{_quoted(self.path)}?mode=ro", uri=True)
            connection.execute(IN_MEMORY)
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        except sqlite3.DatabaseError as error:
            raise SourceError(f"cannot be read: {error}", where=str(self.path), remedy=REMEDY) from error
        return connection

    def _refused(self, connection: sqlite3.Connection, error: Exception) -> SourceError:
        tables = [
            row[0]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
        ]
        listing = f"there are: {', '.join(sorted(tables))}" if tables else "it holds no table"
        return SourceError(
            f"{error}; {listing}",
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


def _selected(values: list[str], query: Query) -> str:
    end = " LIMIT -1" if query.limit is None else ""
    return f"SELECT {', '.join(values)} FROM ({query.sql}{end})"  # noqa: S608 - made by the plan


def _text(value: bytes | float | None) -> bytes | None:
    return real_text(value).encode() if isinstance(value, float) else value


def _quoted(path: Path) -> str:
    """A path inside an SQLite URI."""
    return str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
