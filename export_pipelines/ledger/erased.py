"""What the ledger writes of an artifact that is erased; its row and its deliveries stay."""

from datetime import datetime

import sqlalchemy as sa

from export_pipelines.ledger.delivery import ENDED_BADLY, OPEN
from export_pipelines.ledger.tables import artifacts, deliveries


def mark_erased(engine: sa.Engine, artifact: str, at: datetime) -> None:
    """The artifact is gone for good: what it still had to deliver is withdrawn, and its window counts as done."""
    undelivered = deliveries.c.state.in_((*OPEN, *ENDED_BADLY))
    with engine.begin() as connection:
        connection.execute(
            sa.update(artifacts)
            .where(artifacts.c.artifact == artifact, artifacts.c.erased_at.is_(None))
            .values(erased_at=at)
        )
        connection.execute(
            sa.update(deliveries)
            .where(deliveries.c.artifact == artifact, undelivered)
            .values(state="withdrawn", next_at=None)
        )


def run_of(engine: sa.Engine, artifact: str) -> str | None:
    """Dagster's run that wrote the artifact; None where there was none."""
    query = sa.select(artifacts.c.run_id).where(artifacts.c.artifact == artifact)
    with engine.begin() as connection:
        run_id: str | None = connection.scalar(query)
    return run_id
