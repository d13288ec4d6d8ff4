"""Deliveries as the ledger reads them, and withdraws those that must not arrive any more."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from export_pipelines.artifacts import Manifest
from export_pipelines.ledger.delivery import ENDED_BADLY, OPEN, Delivery
from export_pipelines.ledger.rows import delivery_in
from export_pipelines.ledger.tables import artifacts, attempts, deliveries


def read_deliveries(connection: sa.Connection, *wanted: sa.ColumnElement[bool]) -> list[Delivery]:
    """Newest artifacts first, each one's in the order of its `deliver:`."""
    query = (
        sa.select(
            deliveries,
            artifacts.c.export,
            artifacts.c.window_key,
            artifacts.c.bytes,
            artifacts.c.run_id.label("written_by"),
        )
        .join(artifacts, artifacts.c.artifact == deliveries.c.artifact)
        .where(*wanted)
        .order_by(artifacts.c.created_at.desc(), deliveries.c.artifact, deliveries.c.number)
    )
    return [delivery_in(dict(row._mapping)) for row in connection.execute(query)]


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
    undelivered = deliveries.c.state.in_((*OPEN, *ENDED_BADLY))
    serial = sa.select(artifacts.c.serial).where(artifacts.c.artifact == manifest.artifact).scalar_subquery()
    is_older = artifacts.c.created_at < manifest.created_at
    if manifest.changes:
        is_older = sa.or_(artifacts.c.serial < serial, sa.and_(artifacts.c.serial.is_(None), is_older))
    older = sa.select(artifacts.c.artifact).where(artifacts.c.export == export, is_older)
    other_wording = sa.and_(deliveries.c.artifact == manifest.artifact, deliveries.c.lock_key.not_in(locks))
    replaced = sa.and_(deliveries.c.artifact.in_(older), deliveries.c.lock_key.in_(locks))
    connection.execute(
        sa.update(deliveries)
        .where(undelivered, sa.or_(replaced, other_wording))
        .values(state="withdrawn", next_at=None)
    )
