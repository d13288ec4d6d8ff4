"""Legal holds: what neither `erase` nor retention may remove, until the hold is released."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from export_pipelines.ledger.tables import holds

HoldKind = Literal["artifact", "lead"]


@dataclass(frozen=True)
class Hold:
    """`subject` is an artifact, or the keyed mark of a lead in hexadecimal digits; never the lead's id."""

    id: int
    kind: HoldKind
    subject: str
    reason: str
    placed_by: str
    placed_at: datetime


@dataclass(frozen=True)
class Holds:
    """The holds of a ledger. Released ones stay in it and are not given here."""

    engine: sa.Engine

    def place(self, kind: HoldKind, subject: str, reason: str, by: str, at: datetime) -> Hold:
        """A hold on the subject; several may stand on one, each is released with the others."""
        row = {"kind": kind, "subject": subject, "reason": reason, "placed_by": by, "placed_at": at}
        with self.engine.begin() as connection:
            id = connection.execute(sa.insert(holds).values(row).returning(holds.c.id)).scalar_one()
        return Hold(id, kind, subject, reason, by, at)

    def release(self, kind: HoldKind, subject: str, by: str, at: datetime) -> int:
        """Releases every hold on the subject; returns how many there were."""
        standing = sa.and_(holds.c.kind == kind, holds.c.subject == subject, holds.c.released_at.is_(None))
        update = sa.update(holds).where(standing).values(released_by=by, released_at=at)
        with self.engine.begin() as connection:
            return connection.execute(update).rowcount

    def standing(self) -> list[Hold]:
        """Those that were not released, oldest first."""
        names = tuple(Hold.__dataclass_fields__)
        query = sa.select(*(holds.c[name] for name in names)).where(holds.c.released_at.is_(None))
        with self.engine.begin() as connection:
            return [Hold(**row) for row in connection.execute(query.order_by(holds.c.id)).mappings()]
