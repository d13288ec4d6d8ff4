"""Deliveries as the ledger reads them, and withdraws those that must not arrive any more."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa

from export_pipelines.artifacts import Manifest
from export_pipelines.ledger.delivery import ENDED_BADLY, OPEN, Delivery
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


def withdraw_replaced(
    connection: sa.Connection, export: str, manifest: Manifest, locks: Sequence[str]
) -> None:
    """What an older artifact of the window, or another wording of the export, still had to deliver is withdrawn."""
    values = {"of": manifest.artifact, "at": manifest.created_at, "by": export, "locks": list(locks)}
    connection.execute(_withdrawal(manifest.changes is not None), values)


@cache
def _withdrawal(is_of_series: bool) -> sa.Update:
    """By the parameters `of`, the new artifact, which was made `at` a time, the export `by` which, and the `locks` of its
    deliveries."""
    artifact = sa.bindparam("of", type_=sa.Text)
    locks: sa.BindParameter[str] = sa.bindparam("locks", expanding=True)
    undelivered = deliveries.c.state.in_((*OPEN, *ENDED_BADLY))
    is_older = artifacts.c.created_at < sa.bindparam("at")
    if is_of_series:
        serial = sa.select(artifacts.c.serial).where(artifacts.c.artifact == artifact).scalar_subquery()
        is_older = sa.or_(artifacts.c.serial < serial, sa.and_(artifacts.c.serial.is_(None), is_older))
    older = sa.select(artifacts.c.artifact).where(artifacts.c.export == sa.bindparam("by"), is_older)
    other_wording = sa.and_(deliveries.c.artifact == artifact, deliveries.c.lock_key.not_in(locks))
    replaced = sa.and_(deliveries.c.artifact.in_(older), deliveries.c.lock_key.in_(locks))
    return (
        sa.update(deliveries)
        .where(undelivered, sa.or_(replaced, other_wording))
        .values(state="withdrawn", next_at=None)
    )
