"""Databases with the tables of a lead store, as writers know them: imported by their process, so it imports little."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pymysql
from sqlalchemy.engine import make_url

LEADS = [f"{n:024x}" for n in range(0xA00, 0xA40)]  # of one lead, Kinesis would take one event in a call
LEAD, RECIPIENT = LEADS[0], "c" * 24
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
        """The tables, leads and a recipient, then these statements."""
        from export_pipelines.lead_store.store import create_store

        create_store(self.url)
        self.execute(
            f"INSERT INTO recipients (id, name) VALUES ('{RECIPIENT}', 'Bolt Insurance')",
            "INSERT INTO leads (lead_id, submitted_at) VALUES "
            + ", ".join(f"('{lead}', '2024-01-01 10:00:00')" for lead in LEADS),
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
            LEADS[int(id, 16) % len(LEADS)],
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


def id_of(number: int) -> str:
    return f"{number:024x}"
