"""Deliveries that must not arrive any more, since a newer artifact has taken the place of theirs. `series.base_fault` keeps
them from being sent."""

from collections.abc import Sequence
from functools import cache

import sqlalchemy as sa

from export_pipelines.artifacts import Manifest
from export_pipelines.ledger.delivery import ENDED_BADLY, OPEN
from export_pipelines.ledger.tables import artifacts, deliveries


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
