"""The databases of the contract suite: how each holds the small dataset of plan/tables.py. A new one is one row here."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

from export_pipelines.plan.query import build_query
from export_pipelines.plan.request import PlanRequest
from export_pipelines.stream import Source, open_source
from export_pipelines_tests.plan.tables import COLUMNS, FIELDS

Rows = Sequence[dict[str, Any]]
PARTIES = ("flows", "sources")
POSTGRESQL_COLUMNS = (
    "lead_id TEXT, word TEXT, email TEXT, amount TEXT, price NUMERIC(20,2), size BIGINT, flag BOOLEAN, day DATE,"
    " at TIMESTAMPTZ, at_sql TIMESTAMP, at_s NUMERIC, at_ms BIGINT, doc JSON, flow_id TEXT, source_id TEXT"
)


@dataclass(frozen=True)
class Sqlite:
    """A file."""

    path: Path
    dialect = "sqlite"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def fill(self, rows: Rows) -> None:
        """Leads numbered lead_id 0, 1, ... and nothing else; columns that are not given are null."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            for table in ("leads", *PARTIES):
                connection.execute(f"DROP TABLE IF EXISTS {table}")
            connection.execute(f"CREATE TABLE leads ({COLUMNS})")
            for table in PARTIES:
                connection.execute(f"CREATE TABLE {table} (id TEXT, name TEXT)")
            for sql, cells in _insertions(rows, "?"):
                connection.execute(sql, cells)


@dataclass(frozen=True)
class Postgresql:
    """A server's database."""

    url: str
    dialect = "postgresql"

    def fill(self, rows: Rows) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute("DROP TABLE IF EXISTS leads, flows, sources CASCADE")
            connection.execute(f"CREATE TABLE leads ({POSTGRESQL_COLUMNS})")
            for table in PARTIES:
                connection.execute(f"CREATE TABLE {table} (id TEXT, name TEXT)")
            for sql, cells in _insertions(rows, "%s"):
                connection.execute(sql, [str(cell) if cell is not None else None for cell in cells])


Database = Sqlite | Postgresql


def _insertions(rows: Rows, mark: str) -> list[tuple[str, tuple[Any, ...]]]:
    numbered = [{"lead_id": str(number)} | row for number, row in enumerate(rows)]
    return [
        (
            f"INSERT INTO leads ({', '.join(row)}) VALUES ({', '.join([mark] * len(row))})",
            tuple(row.values()),
        )
        for row in numbered
    ]


def source_of(database: Database) -> Source:
    return open_source(database.url)


def chosen(database: Database, request: PlanRequest) -> list[int]:
    """The numbers of the rows that the request's filter leaves, as the source reads them; the count says the same, or
    more where rows are asked afterwards."""
    query = build_query(replace(request, dialect=database.dialect), [FIELDS[0]])
    source = source_of(database)
    source.check(query)
    rows = sorted(int(row["lead_id"]) for batch in source.read(query) for row in batch.to_pylist())
    count = source.count(query)
    assert count == len(rows) if query.rest is None else count >= len(rows)
    return rows
