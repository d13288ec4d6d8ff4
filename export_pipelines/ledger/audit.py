"""Entries of the audit: who did what to which thing, and when. Entries are added, never changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from export_pipelines.ledger.tables import audit


@dataclass(frozen=True)
class AuditEntry:
    """`subject` is what it was done to, `detail` all else; neither holds a secret or a lead's value."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]


def add_entry(connection: sa.Connection, row: Mapping[str, Any]) -> int:
    """The new entry's id."""
    return int(connection.execute(sa.insert(audit).values(row).returning(audit.c.id)).scalar_one())


def read_entries(connection: sa.Connection, action: str | None) -> list[AuditEntry]:
    """Oldest first."""
    query = sa.select(audit).order_by(audit.c.id)
    if action is not None:
        query = query.where(audit.c.action == action)
    return [AuditEntry(**row) for row in connection.execute(query).mappings()]
