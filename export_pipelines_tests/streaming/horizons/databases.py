"""The databases of the contract suite, filled with the lead store's tables and what each mechanism needs beside them."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pymysql
from sqlalchemy.engine import make_url

from export_pipelines.catalog import Catalog, Dataset, load_catalog
from export_pipelines.catalog.dataset import NewRowColumns
from export_pipelines.definition.export import ExportDefinition
from export_pipelines.definition.filters import Filter
from export_pipelines.definition.output import Format
from export_pipelines.lead_store.store import create_store
from export_pipelines.plan import PlanRequest, compile_plan
from export_pipelines.plan.plan import Plan
from export_pipelines.plan.window import WHOLE
from export_pipelines.read.open_source import open_source
from export_pipelines.streaming.horizon import Horizon, Mechanism
from export_pipelines.streaming.horizons.open_horizon import choose_mechanism

LEAD, RECIPIENT = "a" * 24, "c" * 24
FIELDS = (
    "event_id", "lead_id", "event_type", "occurred_at", "outcome", "reason", "recipient.name", "revenue", "cost",
    "ms", "host", "lead.email",
)  # fmt: skip
COLUMNS = (
    "event_id", "lead_id", "event_type", "outcome", "occurred_at", "recipient_id", "sale_price", "ms", "host", "lead",
)  # fmt: skip
CHANGED = "start_timestamp"  # milliseconds, which every write of a row sets where `change` is asked
PEOPLE = '{"email":"Ada.Lovelace@example.com","first_name":"Ada"}'


@dataclass(frozen=True)
class Database:
    """A new database with the tables of a lead store: `connect` gives a connection in which a transaction is begun by its
    first statement, `mark` stands for a value."""

    url: str
    mark: str = "%s"
    begin: str = "BEGIN"

    def connect(self) -> Any:
        raise NotImplementedError

    def time(self, moment: datetime) -> Any:
        """A moment as the driver takes it."""
        return moment

    def make(self, *statements: str) -> None:
        """The tables, a lead and a recipient, then these statements."""
        create_store(self.url)
        self.execute(
            f"INSERT INTO recipients (id, name) VALUES ('{RECIPIENT}', 'Bolt Insurance')",
            f"INSERT INTO leads (lead_id, submitted_at) VALUES ('{LEAD}', '2024-01-01 10:00:00')",
            *statements,
        )

    def execute(self, *statements: str) -> None:
        with closing(self.connect()) as connection:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            connection.commit()

    def insert(self, cursor: Any, id: str, moment: datetime | None = None, **more: Any) -> None:
        row = self.row(id, moment) | more
        marks = ", ".join([self.mark] * len(row))
        cursor.execute(f"INSERT INTO events ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))

    def row(self, id: str, moment: datetime | None = None) -> dict[str, Any]:
        now = datetime.now(UTC)
        cells = (
            id,
            LEAD,
            "recipient.delivered",
            "success",
            self.time(moment or now),
            RECIPIENT,
            "12.50",
            7,
            "h1",
            PEOPLE,
        )
        return dict(zip(COLUMNS, cells, strict=True)) | {CHANGED: round(now.timestamp() * 1000)}

    def write(self, ids: Sequence[str], moment: datetime | None = None, **more: Any) -> None:
        """These events in one transaction."""
        with closing(self.connect()) as connection:
            cursor = connection.cursor()
            for id in ids:
                self.insert(cursor, id, moment, **more)
            connection.commit()


class Postgresql(Database):
    def connect(self) -> Any:
        return psycopg.connect(self.url)


class Mariadb(Database):
    def connect(self) -> Any:
        url = make_url(self.url)
        return pymysql.connect(
            host=url.host, port=url.port or 0, user=url.username, password=url.password or "", database=url.database,
            init_command="SET time_zone = '+00:00'",
        )  # fmt: skip

    def time(self, moment: datetime) -> Any:
        return moment.replace(tzinfo=None)


class Sqlite(Database):
    def connect(self) -> Any:
        connection = sqlite3.connect(Path(make_url(self.url).database or ""), timeout=60)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        return connection

    def time(self, moment: datetime) -> Any:
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Case:
    """A mechanism over a database. `late_s` is how late transactions of the suite commit, `settle_s` what it is told of
    that."""

    database: Database
    columns: NewRowColumns
    name: str
    settle_s: float | None = None
    late_s: float = 2.0
    open_s: float | None = None  # of the transaction that stays open, where it may not be long
    statements: Sequence[str] = field(default_factory=tuple)

    def make(self) -> "Case":
        self.database.make(*self.statements)
        return self

    @property
    def dataset(self) -> Dataset:
        return with_columns(self.columns).dataset("events")

    @property
    def mechanism(self) -> Mechanism:
        mechanism = choose_mechanism(self.dataset, self.database.url, self.settle_s)
        assert mechanism.name == self.name
        return mechanism

    def plan(self, **changes: Any) -> Plan:
        dialect = self.database.url.split(":", 1)[0]
        catalog = with_columns(self.columns)
        request = PlanRequest(
            definition(**changes), WHOLE, catalog, dialect, new_rows=self.mechanism.new_rows
        )
        return compile_plan(request)

    def open(self, **changes: Any) -> Horizon:
        return self.mechanism.open(self.plan(**changes), open_source(self.database.url))


def with_columns(columns: NewRowColumns) -> Catalog:
    """The shipped catalog, whose events are told by these; what is written last has a field."""
    catalog = load_catalog(None)
    datasets = [
        dataset.model_copy(update={"stream": columns, "fields": tuple(map(_in_ms, dataset.fields))})
        if dataset.name == "events"
        else dataset
        for dataset in catalog.datasets
    ]
    return Catalog(datasets=tuple(datasets))


def _in_ms(any_field: Any) -> Any:
    if any_field.id != CHANGED:
        return any_field
    return any_field.model_copy(update={"type": "timestamp", "stored_as": "epoch_ms"})


def definition(filter: Filter | None = None, **more: Any) -> ExportDefinition:
    settings: Mapping[str, Any] = {"fields": FIELDS, "privacy": {"email": "mask"}} | more
    return ExportDefinition(
        name="events", path=Path("exports/events.yaml"), type="event", format=Format(name="json"),
        filter=filter or Filter(), **settings,
    )  # fmt: skip


def id_of(number: int) -> str:
    return f"{number:024x}"
