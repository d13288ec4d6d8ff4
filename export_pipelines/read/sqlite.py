"""Reads SQLite: ADBC column by column; Python's sqlite3 where a query calls functions that only it can register."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import adbc_driver_manager
import adbc_driver_sqlite
import pyarrow as pa
from sqlalchemy.engine import make_url

from export_pipelines.errors import SourceError
from export_pipelines.plan.query.query import Query
from export_pipelines.plan.query.select import ORDER_BY
from export_pipelines.read import adbc, sql_functions
from export_pipelines.read.bad_json import UnreadableJson

BATCH_CELLS = 200_000  # 4 MB: of small batches each costs more than its rows
FETCHED_ROWS = 4096
IN_MEMORY = "PRAGMA temp_store = MEMORY"  # what SQLite sorts would else lie in files of /tmp, unmasked
TEXT = "TEXT"  # the affinity of a column that can hold no REAL
DIGITS = "printf('%!.{}g', {{0}})"
# the fewest digits that read back equal, and no point without a fraction
SHORTEST = (
    "CASE WHEN {0} = CAST({0} AS INTEGER) AND abs({0}) < 1e15 THEN CAST(CAST({0} AS INTEGER) AS TEXT) ELSE replace(CASE "
    + " ".join(f"WHEN CAST({DIGITS.format(n)} AS REAL) = {{0}} THEN {DIGITS.format(n)}" for n in (15, 16))
    + f" ELSE {DIGITS.format(17)} END, '.0e', 'e') END"
)
BY_PYTHON = "shortest({0})"  # its SQLite may be an older one, which reads some digits back wrongly
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
        sql = "".join((*query.sql.rpartition(ORDER_BY)[:2], query.mixed.order))
        return query.model_copy(update={"sql": sql}) if is_mixed else query

    def _by_column(self, query: Query) -> Iterator[pa.RecordBatch]:
        # ADBC takes types from the first rows: a first row of texts makes every column text. A subquery keeps its
        # order because it has a LIMIT; a bare ORDER BY inside a compound may be dropped.
        texts = ", ".join("''" for _ in query.columns)
        sql = f"SELECT {texts} UNION ALL {self._as_texts(query)}"
        self._require_file()
        try:
            database = adbc_driver_sqlite.connect(f"file:{_quoted(self.path)}?mode=ro")
            rows = {"adbc.sqlite.query.batch_rows": str(max(1, BATCH_CELLS // len(query.columns)))}
            with adbc.opened(database, **rows) as statement:
                statement.set_sql_query(IN_MEMORY)
                statement.execute_update()
                first = True
                for batch in adbc.batches(statement, sql, query.values):
                    rows = batch.slice(1) if first else batch
                    first = False
                    if rows.num_rows:
                        yield rows.rename_columns([column.name for column in query.columns])
        except (adbc_driver_manager.Error, OSError, pa.ArrowException) as error:
            with closing(self._connect(query)) as connection:
                raise self._broken(connection, query, error) from error

    def _with_functions(self, query: Query) -> Iterator[pa.RecordBatch]:
        names = [column.name for column in query.columns]
        with closing(self._connect(query)) as connection:
            connection.text_factory = bytes  # undecoded, so that a broken text is told as one by `conform`
            try:
                connection.create_function("shortest", 1, _shortest, deterministic=True)
                cursor = connection.execute(self._as_texts(query, BY_PYTHON), query.values)
                while rows := cursor.fetchmany(FETCHED_ROWS):
                    columns = [
                        pa.array(map(_text, column), pa.binary()).view(pa.string())
                        for column in zip(*rows, strict=True)
                    ]
                    yield pa.RecordBatch.from_arrays(columns, names=names)
            except sqlite3.DatabaseError as error:
                connection.text_factory = str
                raise self._broken(connection, query, error) from error

    def _as_texts(self, query: Query, shortest: str = SHORTEST) -> str:
        """The query with every value as SQLite spells it, but a REAL by its fewest digits: CAST cuts it to fifteen, and
        ADBC one among texts to seven. What cannot hold one is not asked, since to ask takes more than to read it."""
        names = [
            (f'"{column.name}"', type)
            for column, type in zip(query.columns, self._affinities(query), strict=True)
        ]
        texts = ", ".join(
            f"CAST({name} AS TEXT)"
            if type == TEXT
            else f"CASE typeof({name}) WHEN 'real' THEN {shortest.format(name)} ELSE CAST({name} AS TEXT) END"
            for name, type in names
        )
        end = " LIMIT -1" if query.limit is None else ""
        return f"SELECT {texts} FROM ({query.sql}{end})"  # noqa: S608 - made by the plan

    def _affinities(self, query: Query) -> list[str]:
        """What each column of the query can hold, which SQLite tells of a table that is made of it, without rows. What
        lies inside JSON is given as text, though SQLite does not say so."""
        with closing(self._connect(query)) as connection:
            connection.execute(
                f"CREATE TEMP TABLE shape AS SELECT * FROM ({query.sql}) LIMIT 0",  # noqa: S608 - made by the plan
                query.values,
            )
            types = [row[2] for row in connection.execute("PRAGMA temp.table_info(shape)")]
        inside = [column.in_json or column.name in query.marked for column in query.columns]
        return [TEXT if is_inside else type for is_inside, type in zip(inside, types, strict=True)]

    def _require_file(self) -> None:
        if not self.path.is_file():
            raise SourceError("there is no database", where=str(self.path), remedy=REMEDY)

    def _connect(self, query: Query) -> sqlite3.Connection:
        self._require_file()
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


def _shortest(real: float) -> str:
    return repr(real).removesuffix(".0")


def _text(value: object) -> bytes | None:
    return value if value is None or isinstance(value, bytes) else str(value).encode()


def _quoted(path: Path) -> str:
    """A path inside an SQLite URI."""
    return str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
