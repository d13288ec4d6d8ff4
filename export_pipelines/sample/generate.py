"""Fills a lead store with sample leads: the same seed gives the same rows, a million in well under a minute."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from random import Random
from typing import Any

from sqlalchemy import Connection, Table, insert

from export_pipelines.errors import RequestError
from export_pipelines.lead_store import tables
from export_pipelines.lead_store.store import holds_rows, writing
from export_pipelines.sample.pools import PARTY_NAMES
from export_pipelines.sample.sample_events import draw_events
from export_pipelines.sample.sample_leads import PARTY_IDS, draw_leads, rows_of

READ: dict[type, Callable[[Any], Any]] = {
    tables.Timestamp: datetime.fromisoformat,
    tables.Money: Decimal,
    tables.Day: date.fromisoformat,
    tables.Flag: bool,
    tables.JsonObject: tables.json_value,
}
INDEXES = (tables.leads_by_time, tables.events_by_time)
LAST_YEAR = 9998


def generate_leads(
    url: str,
    leads: int,
    seed: int,
    start: date,
    days: int,
    progress: Callable[[int], None] | None = None,
    *,
    replace: bool = False,
    events: bool = False,
) -> None:
    """Writes `leads` sample leads, spread evenly over `days` days from `start` (UTC), in one transaction.

    `progress` hears how many are written so far. `replace` drops the leads, events and names that are there;
    `events` adds the events of every lead. Raises RequestError when the store holds leads already and `replace`
    is not asked, or for an impossible number.
    """
    if leads < 1 or days < 1 or start.year + days // 365 > LAST_YEAR:
        raise RequestError("a sample needs at least 1 lead and 1 day, and must end before the year 9999")
    random = Random(seed)  # noqa: S311  # samples, not secrets
    with writing(url, bulk=True) as connection:
        _make_room(connection, replace)
        for kind, names in PARTY_NAMES.items():
            _insert(connection, tables.PARTIES[kind], list(zip(PARTY_IDS[kind], names, strict=True)))
        done = 0
        for chunk in draw_leads(leads, random, start, days):
            _insert(connection, tables.leads, rows_of(chunk))
            if events:
                _insert(connection, tables.events, draw_events(chunk, random))
            done += len(chunk["lead_id"])
            if progress:
                progress(done)
        for index in INDEXES:  # one sort at the end is faster than a million insertions
            index.create(connection)


def _make_room(connection: Connection, replace: bool) -> None:
    if not replace and holds_rows(connection):
        raise RequestError(
            "the lead store holds leads already, and sample leads would mix with them",
            where="EXPORT_PIPELINES_SOURCE_URL",
            remedy="add --replace to drop them, or name another store",
        )
    tables.metadata.drop_all(connection)
    tables.metadata.create_all(connection)
    for index in INDEXES:
        index.drop(connection)


def _insert(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Rows in the order of the table's columns, spelled as SQLite holds them."""
    if connection.dialect.name == "sqlite":  # past SQLAlchemy's own conversions: four times as fast
        marks = ",".join("?" * len(table.columns))
        connection.exec_driver_sql(f"INSERT INTO {table.name} VALUES ({marks})", list(rows))  # noqa: S608
        return
    readers = [(column.name, READ.get(type(column.type))) for column in table.columns]
    connection.execute(
        insert(table),
        [
            {
                name: read(value) if read and value is not None else value
                for (name, read), value in zip(readers, row, strict=True)
            }
            for row in rows
        ],
    )
