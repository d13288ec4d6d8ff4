"""Deliveries as the ledger reads them."""

from typing import Any

import sqlalchemy as sa

from export_pipelines.ledger.delivery import Delivery
from export_pipelines.ledger.rows import delivery_in
from export_pipelines.ledger.tables import artifacts, attempts, deliveries

SELECT = (
    sa.select(
        deliveries,
        artifacts.c.export,
        artifacts.c.window_key,
        artifacts.c.bytes,
        artifacts.c.run_id.label("written_by"),
    )
    .join(artifacts, artifacts.c.artifact == deliveries.c.artifact)
    .order_by(artifacts.c.created_at.desc(), deliveries.c.artifact, deliveries.c.number)
)
BY_ID = SELECT.where(deliveries.c.id == sa.bindparam("of"))
OF_ARTIFACT = SELECT.where(deliveries.c.artifact == sa.bindparam("of"))


def read_deliveries(connection: sa.Connection, *wanted: sa.ColumnElement[bool]) -> list[Delivery]:
    """Newest artifacts first, each one's in the order of its `deliver:`."""
    return _read(connection.execute(SELECT.where(*wanted)))


def deliveries_of(connection: sa.Connection, artifact: str) -> list[Delivery]:
    """In the order of its `deliver:`."""
    return _read(connection.execute(OF_ARTIFACT, {"of": artifact}))


def read_delivery(connection: sa.Connection, id: str) -> Delivery | None:
    return next(iter(_read(connection.execute(BY_ID, {"of": id}))), None)


def required_delivery(connection: sa.Connection, id: str) -> Delivery:
    """One that is known to be there."""
    (delivery,) = _read(connection.execute(BY_ID, {"of": id}))
    return delivery


def _read(rows: sa.CursorResult[Any]) -> list[Delivery]:
    return [delivery_in(row) for row in rows.mappings()]


def state_counts(connection: sa.Connection) -> dict[str, int]:
    """How many deliveries there are in each state."""
    query = sa.select(deliveries.c.state, sa.func.count().label("number")).group_by(deliveries.c.state)
    return {row.state: row.number for row in connection.execute(query)}


def attempts_at(connection: sa.Connection, id: str) -> list[dict[str, Any]]:
    """Every attempt at a delivery, oldest first."""
    query = sa.select(attempts).where(attempts.c.delivery == id).order_by(attempts.c.number)
    return [dict(row._mapping) for row in connection.execute(query)]
