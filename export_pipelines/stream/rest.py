"""Asks the rows of a source what their database could not be asked exactly, in SQLite in memory; nothing reaches a disk."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any

import polars as pl
import pyarrow as pa

from export_pipelines.catalog import Kind
from export_pipelines.errors import DataError
from export_pipelines.plan.plan import Query, Rest
from export_pipelines.plan.scratch import NUMBER, TABLE
from export_pipelines.stream import sql_functions
from export_pipelines.stream.conform import conform
from export_pipelines.stream.schema import TIMESTAMP_FORMAT
from export_pipelines.stream.source import Source

INTEGERS = frozenset({Kind.INTEGER, Kind.BOOLEAN})
GROUP_ROWS = 4096
Row = tuple[Any, ...]


class Asking:
    """A source whose `read` gives what stays when the query's rest has been asked too, under the query's names. Its
    reader is asked for the columns that the SELECT gives, and knows nothing of a rest."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def check(self, query: Query) -> None:
        self.source.check(query)

    def count(self, query: Query) -> int:
        return self.source.count(query)

    def read(self, query: Query) -> Iterator[pa.RecordBatch]:
        selected, rest = query.selected, query.rest
        batches = self.source.read(query.model_copy(update={"columns": selected, "rest": None}))
        named = _named(batches, [one.name for one in selected])
        if rest is None:
            return named
        return (_groups if rest.groups else _staying)(query, rest, named)


def _named(batches: Iterator[pa.RecordBatch], names: list[str]) -> Iterator[pa.RecordBatch]:
    """A database may cut long names off."""
    with closing(batches):  # type: ignore[type-var]
        for batch in batches:
            yield batch.rename_columns(names)


def _staying(query: Query, rest: Rest, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Of each batch the rows that stay, in their order."""
    names = [one.name for one in query.columns]
    with closing(batches), closing(_scratch(rest)) as scratch:  # type: ignore[type-var]
        for batch in batches:
            _fill(scratch, rest, batch)
            numbers = sorted(int(number) for (number,) in _asked(scratch, rest))
            scratch.execute(f"DELETE FROM {TABLE}")  # noqa: S608
            if numbers:
                rows = batch if len(numbers) == batch.num_rows else batch.take(pa.array(numbers, pa.int32()))
                yield pa.RecordBatch.from_arrays(rows.columns[: len(names)], names=names)


def _groups(query: Query, rest: Rest, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The groups that all rows make; the rows are held in memory."""
    names = [one.name for one in query.columns]
    with closing(batches), closing(_scratch(rest)) as scratch:  # type: ignore[type-var]
        for batch in batches:
            _fill(scratch, rest, batch)
        rows = _asked(scratch, rest)
        for start in range(0, len(rows), GROUP_ROWS):
            columns = zip(*rows[start : start + GROUP_ROWS], strict=True)
            yield pa.RecordBatch.from_arrays([pa.array(one, pa.string()) for one in columns], names=names)


def _scratch(rest: Rest) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA temp_store = MEMORY")  # what sorting and grouping set aside
    sql_functions.register(connection)
    columns = ", ".join(
        f'"{one.name}" {"INTEGER" if one.kind in INTEGERS else "TEXT"}' for one in rest.columns
    )
    connection.execute(f"CREATE TABLE {TABLE} ({NUMBER} INTEGER PRIMARY KEY, {columns})")
    return connection


def _fill(scratch: sqlite3.Connection, rest: Rest, batch: pa.RecordBatch) -> None:
    """Numbers its rows from 0 on, or goes on where there are some."""
    columns = [_spelled(array) for array in conform(batch, rest.columns).columns]
    (there,) = scratch.execute(f"SELECT coalesce(max({NUMBER}) + 1, 0) FROM {TABLE}").fetchone()  # noqa: S608
    places = ", ".join("?" for _ in range(len(columns) + 1))
    scratch.executemany(
        f"INSERT INTO {TABLE} VALUES ({places})",  # noqa: S608 - as many as the plan has columns
        zip(range(there, there + batch.num_rows), *columns, strict=True),
    )


def _spelled(array: pa.Array) -> list[object]:
    """Values as SQLite holds them."""
    if pa.types.is_timestamp(array.type):
        return pl.Series(pl.from_arrow(array)).dt.strftime(TIMESTAMP_FORMAT).to_list()
    return array.to_pylist()


def _asked(scratch: sqlite3.Connection, rest: Rest) -> list[Row]:
    try:
        return scratch.execute(rest.sql, rest.parameters).fetchall()
    except sqlite3.DatabaseError as error:
        what = "JSON that does not parse" if "malformed JSON" in str(error) else f"it is refused: {error}"
        raise DataError(
            f"{what}, in a column that the filter or the report asks about",
            where=", ".join(one.name for one in rest.columns),
            remedy="mend the rows, or ask about other fields",
        ) from error
