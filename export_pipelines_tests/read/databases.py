"""The databases of the contract suite: how each holds the small dataset of plan/tables.py. A new one is one row here."""

import re
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pymysql
from sqlalchemy.dialects import registry
from sqlalchemy.engine import make_url

from export_pipelines.definition.filters import Filter, Rule, RuleSet
from export_pipelines.plan.query.query import Query
from export_pipelines.plan.query.select import build_query
from export_pipelines.plan.request import PlanRequest
from export_pipelines.read.bad_json import settled
from export_pipelines.read.open_source import open_source
from export_pipelines.read.source import Source
from export_pipelines.transform.casts import conform
from export_pipelines_tests.plan.tables import COLUMNS, FIELDS, request_for

Rows = Sequence[dict[str, Any]]
PARTIES = ("flows", "sources")
POSTGRESQL_COLUMNS = (
    "lead_id TEXT, word TEXT, email TEXT, amount TEXT, price NUMERIC(20,2), size BIGINT, flag BOOLEAN, day DATE,"
    " at TIMESTAMPTZ, at_sql TIMESTAMP, at_s NUMERIC, at_ms BIGINT, doc JSON, flow_id TEXT, source_id TEXT"
)
MARIADB_COLUMNS = (
    "lead_id VARCHAR(24), word TEXT, email TEXT, amount TEXT, price DECIMAL(20,2), size BIGINT, flag BOOLEAN, day DATE,"
    " at DATETIME(3), at_sql TIMESTAMP(3) NULL, at_s DECIMAL(20,6), at_ms BIGINT, doc JSON, flow_id TEXT, source_id TEXT"
)


DUCKDB_COLUMNS = (
    "lead_id TEXT, word TEXT, email TEXT, amount TEXT, price DECIMAL(20,2), size BIGINT, flag BOOLEAN, day DATE,"
    ' "at" TIMESTAMPTZ, at_sql TIMESTAMP, at_s DECIMAL(20,6), at_ms BIGINT, doc JSON, flow_id TEXT, source_id TEXT'
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

    def execute(self, *statements: str) -> None:
        with psycopg.connect(self.url) as connection:
            for statement in statements:
                connection.execute(statement)

    def fill(self, rows: Rows) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute("DROP TABLE IF EXISTS leads, flows, sources CASCADE")
            connection.execute(f"CREATE TABLE leads ({POSTGRESQL_COLUMNS})")
            for table in PARTIES:
                connection.execute(f"CREATE TABLE {table} (id TEXT, name TEXT)")
            for sql, cells in _insertions(rows, "%s"):
                connection.execute(sql, [str(cell) if cell is not None else None for cell in cells])


@dataclass(frozen=True)
class Another:
    """The same server by a name that has no reader of its own, so that the generic path reads it."""

    own: Postgresql
    dialect = "another"

    @property
    def url(self) -> str:
        return self.own.url.replace("postgresql", self.dialect, 1)

    def execute(self, *statements: str) -> None:
        self.own.execute(*statements)

    def fill(self, rows: Rows) -> None:
        self.own.fill(rows)


registry.register(Another.dialect, "sqlalchemy.dialects.postgresql.psycopg", "PGDialect_psycopg")


@dataclass(frozen=True)
class Mariadb:
    """A server's database, whose texts are compared without case unless a query says otherwise."""

    url: str
    dialect = "mariadb"

    def connect(self) -> "pymysql.Connection[Any]":
        url = make_url(self.url)
        return pymysql.connect(
            host=url.host, port=url.port or 0, user=url.username, password=url.password or "",
            database=url.database, autocommit=True,
            init_command="SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,ALLOW_INVALID_DATES'",
        )  # fmt: skip

    def execute(self, *statements: str) -> None:
        with self.connect() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def fill(self, rows: Rows) -> None:
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS events, leads, {', '.join(PARTIES)}, recipients")
            cursor.execute(f"CREATE TABLE leads ({MARIADB_COLUMNS})")
            for table in PARTIES:
                cursor.execute(f"CREATE TABLE {table} (id TEXT, name TEXT)")
            for sql, cells in _insertions(rows, "%s"):
                cursor.execute(sql, [_without_zone(cell) for cell in cells])


@dataclass(frozen=True)
class Duckdb:
    """A file of a database that has no reader of its own: SQLAlchemy's generic path reads it."""

    path: Path
    dialect = "duckdb"

    @property
    def url(self) -> str:
        return f"duckdb:///{self.path}"

    def execute(self, *statements: str) -> None:
        with duckdb.connect(self.path) as connection:
            for statement in statements:
                connection.execute(statement)

    def fill(self, rows: Rows) -> None:
        with duckdb.connect(self.path) as connection:
            for table in ("leads", *PARTIES):
                connection.execute(f"DROP TABLE IF EXISTS {table}")
            connection.execute(f"CREATE TABLE leads ({DUCKDB_COLUMNS})")
            for table in PARTIES:
                connection.execute(f"CREATE TABLE {table} (id TEXT, name TEXT)")
            for sql, cells in _insertions(rows, "?", '"'):
                connection.execute(sql, cells)


Server = Postgresql | Another | Mariadb
Database = Sqlite | Duckdb | Server


def _without_zone(cell: Any) -> Any:
    """A time as MariaDB takes it: in UTC, without saying so."""
    moment = re.fullmatch(r"(\d{4}-\d\d-\d\d)T([\d:.]+)(Z|\+00:00)", cell) if isinstance(cell, str) else None
    return f"{moment[1]} {moment[2]}" if moment else cell


def _insertions(rows: Rows, mark: str, quote: str = "") -> list[tuple[str, tuple[Any, ...]]]:
    numbered = [{"lead_id": str(number)} | row for number, row in enumerate(rows)]
    return [
        (
            f"INSERT INTO leads ({', '.join(quote + name + quote for name in row)}) VALUES ({', '.join([mark] * len(row))})",
            tuple(row.values()),
        )
        for row in numbered
    ]


def source_of(database: Database) -> Source:
    return open_source(database.url)


def query_of(database: Database, filter: Filter | None = None) -> Query:
    """The query of every field of the small dataset."""
    request = replace(request_for(filter or Filter()), dialect=database.dialect)
    return build_query(request, list(FIELDS[:17]))


def read(database: Database, query: Query) -> list[dict[str, Any]]:
    with closing(source_of(database).read(query)) as batches:  # type: ignore[type-var]
        whole = (settled(batch, query.marked, query.bad_json_is_null)[0] for batch in batches)
        return [row for batch in whole for row in conform(batch, query.columns).to_dicts()]


def chosen(database: Database, request: PlanRequest) -> list[int]:
    """The numbers of the rows that the request's filter leaves, as the source reads them; the count says the same, or
    more where rows are asked afterwards."""
    query = build_query(replace(request, dialect=database.dialect), [FIELDS[0]])
    source = source_of(database)
    source.check(query)
    rows, count = _numbers(source, query), source.count(query)
    assert list(source.counts([query, query])) == [count, count]
    assert count == len(rows) if query.residual is None else count >= len(rows)
    return rows


def all_chosen(database: Database, rules: Iterable[Rule]) -> dict[str, list[int]]:
    """What each rule alone leaves of the rows, by the rule as it prints. The rules that the database itself is asked are
    checked and counted together, since each takes a connection."""
    source, pushed, found = source_of(database), list[Rule](), dict[str, list[int]]()
    for rule in rules:
        request = replace(request_for(Filter(rules=(rule,))), dialect=database.dialect)
        query = build_query(request, [FIELDS[0]])
        found[str(rule)] = _numbers(source, query)
        pushed += [rule] if query.residual is None else []
    if pushed:
        either = request_for(Filter(rules=(RuleSet(op="or", rules=tuple(pushed)),)))
        assert chosen(database, either) == sorted({n for rule in pushed for n in found[str(rule)]})
    return found


def _numbers(source: Source, query: Query) -> list[int]:
    return sorted(int(row["lead_id"]) for batch in source.read(query) for row in batch.to_pylist())
