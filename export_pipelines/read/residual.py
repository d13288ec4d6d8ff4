"""Asks the rows of a source what their database could not be asked exactly, in SQLite in memory; nothing reaches a disk."""

import logging
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from operator import itemgetter
from typing import Any

import polars as pl
import pyarrow as pa

from export_pipelines.catalog import SEMANTIC_TYPES, Kind
from export_pipelines.errors import DataError, RetryableError, SourceError
from export_pipelines.plan.query.query import Groups, Query, ResidualFilter
from export_pipelines.plan.query.ranges import Cut
from export_pipelines.plan.query.staging import NUMBER, TABLE
from export_pipelines.plan.report.query import MEASURED
from export_pipelines.read import sql_functions
from export_pipelines.read.bad_json import UnreadableJson, require_readable, settled
from export_pipelines.read.postgresql_snapshot import Earlier, Pinned
from export_pipelines.read.source import Source
from export_pipelines.read.unknown_row import UnknownRow, with_row
from export_pipelines.transform.casts import conform, has_id, place_of, require_utf8
from export_pipelines.transform.timestamp_texts import timestamp_texts

log = logging.getLogger(__name__)

INTEGERS = frozenset({Kind.INTEGER, Kind.BOOLEAN})
GROUP_ROWS = 4096
Row = tuple[Any, ...]


class Asking:
    """A source whose `read` gives the rows that the residual filter keeps, under the query's names. Its
    reader is asked for the columns that the SELECT gives, and knows nothing of the residual filter. Of JSON that the filter cannot
    read the row is named, if it can be found."""

    holds_utf8 = True

    def __init__(self, source: Source) -> None:
        self.source = source

    def check(self, query: Query) -> None:
        self.source.check(query)
        log.debug("source checked", extra={"columns": len(query.columns)})

    def count(self, query: Query) -> int:
        with self._naming(query):
            rows = self.source.count(query)
        log.debug("rows counted", extra={"rows": rows})
        return rows

    def counts(self, queries: Sequence[Query]) -> Iterator[int]:
        with closing(self.source.counts(queries)) as counted:  # type: ignore[type-var]
            for query in queries:
                with self._naming(query):
                    rows = next(counted)
                yield rows
        log.debug("rows counted", extra={"windows": len(queries)})

    def cut(self, query: Query) -> Cut:
        """How connections share the rows of the query, or why one reads them all. Raises SourceError."""
        cut = getattr(self.source, "cut", None)
        return cut(query) if cut else Cut(reason="rows of this kind of database are read over one connection")

    @contextmanager
    def pinned(self, query: Query, earlier: Earlier | None) -> Iterator[Pinned]:
        """See `PostgresqlSource.pinned`; other sources hold no snapshot between two queries."""
        pinned = getattr(self.source, "pinned", None)
        if pinned is None or query.residual is not None:
            yield Pinned(query)
            return
        with pinned(query, earlier) as held_query:
            yield held_query

    def read(self, query: Query) -> Iterator[pa.RecordBatch]:
        log.debug(
            "reading started", extra={"columns": len(query.columns), "residual": query.residual is not None}
        )
        with self._naming(query), closing(self._read(query)) as batches:  # type: ignore[type-var]
            for batch in batches if query.limit is None else _first(batches, query.limit):
                if query.ungrouped:
                    conform(
                        batch, query.columns
                    )  # while the row of a value that does not fit can still be found
                yield batch
        log.debug("reading finished")

    @contextmanager
    def _naming(self, query: Query) -> Iterator[None]:
        try:
            yield
        except DataError as error:
            if isinstance(error, UnreadableJson) and query.suspects:
                self._name(query.suspects)
            if query.ungrouped:
                self._name_of_group(query.ungrouped)
            if query.ungrouped or not isinstance(error, UnknownRow):
                raise
            asked = query.model_copy(update={"columns": query.selected, "residual": None, "is_entire": False})
            raise with_row(error, self.source, asked) from error

    def _name(self, suspects: Query) -> None:
        """Raises the error that names the row, if it is found."""
        try:
            for batch in self._read(suspects):
                settled(batch, suspects.marked, is_null=False)
                require_readable(batch, [column.name for column in suspects.columns if column.type == "text"])
        except (UnreadableJson, RetryableError, SourceError):
            return

    def _name_of_group(self, ungrouped: Query) -> None:
        """Raises the error that names a row of a group, if it is found."""
        try:
            for batch in self.read(ungrouped):
                whole, _ = settled(batch, ungrouped.marked, ungrouped.bad_json_is_null)
                conform(whole, ungrouped.columns)
        except (UnknownRow, RetryableError, SourceError):
            return

    def _read(self, query: Query) -> Iterator[pa.RecordBatch]:
        selected, residual = query.selected, query.residual
        inner = {"columns": selected, "residual": None, "limit": query.limit_of_select}
        batches = self.source.read(query.model_copy(update=inner))
        named = self._received(batches, [column.name for column in selected])
        if residual is None:
            return named
        return (
            _grouped(query, residual, residual.groups, named)
            if residual.groups
            else _staying(query, residual, named)
        )

    def _received(self, batches: Iterator[pa.RecordBatch], names: list[str]) -> Iterator[pa.RecordBatch]:
        """Under the query's names, which a database may cut off, and with no text that is not UTF-8."""
        with closing(batches):  # type: ignore[type-var]
            for batch in batches:
                named = batch.rename_columns(names)
                if not self.source.holds_utf8:
                    require_utf8(named)
                yield named


def _first(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield batch.slice(0, rows)
        rows -= batch.num_rows
        if rows <= 0:
            return


def _staying(
    query: Query, residual: ResidualFilter, batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Of each batch the rows that stay, in their order, with the columns that only the staging table gives."""
    names = [column.name for column in query.columns]
    names_read = [name for name in names if name not in residual.sql_names]
    with closing(batches), closing(_staging_table(residual)) as staging:  # type: ignore[type-var]
        for batch in batches:
            refused = sorted(_asked_of(batch, staging, residual.sql, query, residual), key=itemgetter(0))
            if refused:
                numbers, *texts = zip(*refused, strict=True)
                rows = batch if len(numbers) == batch.num_rows else batch.take(pa.array(numbers, pa.int32()))
                # columns of the residual filter follow those of the SELECT
                columns = dict(zip(names_read, rows.columns, strict=False))
                columns |= zip(
                    residual.sql_names, (pa.array(pair, pa.string()) for pair in texts), strict=True
                )
                yield pa.RecordBatch.from_arrays([columns[name] for name in names], names=names)


def _grouped(
    query: Query, residual: ResidualFilter, groups: Groups, batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """The groups of all rows that stay; what is measured of these is held in memory."""
    names = [column.name for column in query.columns]
    with closing(batches), closing(_staging_table(residual)) as staging:  # type: ignore[type-var]
        staging.execute(f"CREATE TABLE {MEASURED} ({_listed(groups.columns)})")
        for batch in batches:
            _asked_of(batch, staging, f"INSERT INTO {MEASURED} {residual.sql}", query, residual)
        rows = _asked(staging, groups.sql, groups)
        for start in range(0, len(rows), GROUP_ROWS):
            columns = zip(*rows[start : start + GROUP_ROWS], strict=True)
            yield pa.RecordBatch.from_arrays(
                [pa.array(column, pa.string()) for column in columns], names=names
            )


def _staging_table(residual: ResidualFilter) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA temp_store = MEMORY")  # what sorting and grouping set aside
    sql_functions.register(connection)
    whole = [
        column.name
        for column in residual.columns
        if {column.kind, SEMANTIC_TYPES[column.type].kind} & INTEGERS
    ]  # so that they are compared as numbers; what is none stays text
    columns = [
        f"{_listed([column.name])} {'INTEGER' if column.name in whole else 'TEXT'}"
        for column in residual.columns
    ]
    connection.execute(f"CREATE TABLE {TABLE} ({NUMBER} INTEGER PRIMARY KEY, {', '.join(columns)})")
    return connection


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _fill(
    staging: sqlite3.Connection, residual: ResidualFilter, batch: pa.RecordBatch, is_null: bool
) -> None:
    """The rows of the batch, numbered from 0 on, in place of those before."""
    whole, _ = settled(
        batch, [column.name for column in residual.columns if column.type == "object"], is_null
    )
    columns = [_spelled(values) for values in conform(whole, residual.columns)]
    staging.execute(f"DELETE FROM {TABLE}")  # noqa: S608
    staging.executemany(
        f"INSERT INTO {TABLE} VALUES ({', '.join('?' * (len(columns) + 1))})",  # noqa: S608
        zip(range(batch.num_rows), *columns, strict=True),
    )


def _spelled(values: pl.Series) -> list[Any]:
    """Values as SQLite holds them."""
    return (timestamp_texts(values) if values.dtype == pl.Datetime else values).to_list()


def _asked_of(
    batch: pa.RecordBatch, staging: sqlite3.Connection, sql: str, query: Query, residual: ResidualFilter
) -> list[Row]:
    """What `sql` gives of the batch. Of what it cannot be asked, DataError names the row, which is found one by one."""
    _fill(staging, residual, batch, query.bad_json_is_null)
    try:
        return _asked(staging, sql, residual)
    except DataError as error:
        for row in range(batch.num_rows if has_id(batch) else 0):
            _fill(staging, residual, batch.slice(row, 1), query.bad_json_is_null)
            try:
                _asked(staging, sql, residual)
            except DataError:
                raise DataError(
                    error.what, where=place_of(batch, row, error.where or ""), remedy=error.remedy
                ) from error
        raise


def _field(name: str) -> str:
    """`rest 5 custom.age` as people know it."""
    return name.split(" ", 2)[-1]


def _asked(staging: sqlite3.Connection, sql: str, asked: ResidualFilter | Groups) -> list[Row]:
    try:
        return staging.execute(sql, asked.values).fetchall()
    except sqlite3.DatabaseError as error:
        malformed = "malformed JSON" in str(error)
        what = "JSON that does not parse" if malformed else f"it is refused: {error}"
        raise (UnreadableJson if malformed else DataError)(
            f"{what}, in a column that the filter or the report asks about",
            where=", ".join(
                column if isinstance(column, str) else _field(column.name) for column in asked.columns
            ),
            remedy="mend the rows, ask about other fields, or write `bad_json: null` in the export",
        ) from error
