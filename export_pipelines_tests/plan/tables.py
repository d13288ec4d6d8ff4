"""A small dataset with a field of every kind, and the SQLite table that holds it, for rules to run on."""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from export_pipelines.catalog import Catalog, Dataset, Field, Join, StoredAs
from export_pipelines.definition.export import ExportDefinition
from export_pipelines.definition.filters import Filter
from export_pipelines.definition.output import Format
from export_pipelines.plan.plan import Window
from export_pipelines.plan.query.select import build_query
from export_pipelines.plan.request import PlanRequest
from export_pipelines.plan.window import WHOLE
from export_pipelines_tests.plan.functions import register


def field(id: str, type: str, **more: Any) -> Field:
    return Field(id=id, type=type, label=id, group="Test", **({"column": id} | more))


FIELDS = (
    field("lead_id", "id"),
    field("word", "text"),
    field("email", "email"),
    field("amount", "number"),
    field("price", "currency"),
    field("size", "integer"),
    field("flag", "boolean"),
    field("day", "date"),
    field("at", "timestamp"),
    field("at_sql", "timestamp", stored_as=StoredAs.SQL),
    field("at_s", "timestamp", stored_as=StoredAs.EPOCH_S),
    field("at_ms", "timestamp", stored_as=StoredAs.EPOCH_MS),
    field("doc", "object"),
    field("doc.word", "text", column="doc", path="word"),
    field("doc.deep.amount", "number", column="doc", path="deep.amount"),
    field("doc.flag", "boolean", column="doc", path="flag"),
    field("doc.tags", "object", column="doc", path="tags"),
    field("flow.id", "id", column="flow_id"),
    field("flow.name", "text", column="flow.name"),
    field("source.id", "id", column="source_id"),
    field("source.name", "text", column="source.name"),
)

DATASET = Dataset(
    name="leads",
    table="leads",
    window="at",
    order=("at", "lead_id"),
    joins=(
        Join(table="flows", alias="flow", key="id", on="flow_id"),
        Join(table="sources", alias="source", key="id", on="source_id"),
    ),
    fields=FIELDS,
)
CATALOG = Catalog(datasets=(DATASET,))
COLUMNS = (
    "lead_id TEXT, word TEXT, email TEXT, amount TEXT, price TEXT, size INTEGER, flag INTEGER, day TEXT, at TEXT,"
    " at_sql TEXT, at_s NUMERIC, at_ms INTEGER, doc TEXT, flow_id TEXT, source_id TEXT"
)


def request_for(filter: Filter, window: Window = WHOLE, **more: Any) -> PlanRequest:
    definition = ExportDefinition(
        name="test",
        path=Path("exports/test.yaml"),
        type="lead",
        format=Format(name="csv"),
        filter=filter,
        **more,
    )
    return PlanRequest(definition, window, CATALOG, "sqlite")


def window(start: str, end: str) -> Window:
    first, last = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (start, end))
    return Window(start=first, end=last, key="test")


def store(rows: Sequence[dict[str, Any]]) -> sqlite3.Connection:
    """A database with these leads, numbered lead_id 0, 1, ...; columns that are not given are null."""
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE TABLE leads ({COLUMNS})")
    connection.execute("CREATE TABLE flows (id TEXT, name TEXT)")
    connection.execute("CREATE TABLE sources (id TEXT, name TEXT)")
    for number, row in enumerate(rows):
        cells = {"lead_id": str(number)} | row
        places = ", ".join("?" for _ in cells)
        connection.execute(f"INSERT INTO leads ({', '.join(cells)}) VALUES ({places})", tuple(cells.values()))
    register(connection)
    return connection


def chosen(connection: sqlite3.Connection, request: PlanRequest) -> list[int]:
    """The numbers of the rows that the request's filter leaves; the count says the same."""
    query = build_query(request, [FIELDS[0]])
    rows = sorted(int(lead_id) for (lead_id,) in connection.execute(query.sql, query.parameters))
    (count,) = connection.execute(query.count_sql, query.parameters).fetchone()
    assert count == len(rows)
    return rows
