"""The audit of a ledger: adding to it, and asking it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from export_pipelines.ledger.audit_action import AuditAction
from export_pipelines.ledger.audit_entries import (
    AuditEntry,
    AuditRecord,
    add_entry,
    read_entries,
    wait_for_others,
)
from export_pipelines.ledger.tables import audit


@dataclass(frozen=True)
class AuditLog:
    """The audit of the ledger behind `engine`."""

    engine: sa.Engine

    def add(self, records: Sequence[AuditRecord], at: datetime) -> None:
        """All of them in one transaction, in their order."""
        with self.engine.begin() as connection:
            for record in records:
                add_entry(connection, record.row(at))

    def add_change(self, record: AuditRecord, sha256: str | None, at: datetime) -> bool:
        """Adds the record of a thing whose digest is another than at the last entry for its action and subject, with both
        digests in its detail; False where it is the same. None is the digest of what is not there."""
        with self.engine.begin() as connection:
            wait_for_others(connection)
            last = self._last(connection, record.action, record.subject)
            before = last.detail.get("sha256") if last else None
            if before == sha256:
                return False
            detail = {**record.detail, "sha256": sha256, "before": before}
            add_entry(connection, replace(record, detail=detail).row(at))
        return True

    def last(self, action: AuditAction, subject: str, until: datetime | None = None) -> AuditEntry | None:
        """The newest entry for the action and the subject, not after `until`."""
        with self.engine.begin() as connection:
            return self._last(connection, action, subject, until)

    def first(self, action: AuditAction, subject: str) -> AuditEntry | None:
        """The oldest entry for the action and the subject."""
        entries = (entry for entry in self.entries(action=action) if entry.subject == subject)
        return next(entries, None)

    def entries(
        self,
        action: AuditAction | None = None,
        since: datetime | None = None,
        before: datetime | None = None,
    ) -> Iterator[AuditEntry]:
        """Oldest first; see read_entries."""
        return read_entries(self.engine, action and str(action), since, before)

    def _last(
        self, connection: sa.Connection, action: AuditAction, subject: str, until: datetime | None = None
    ) -> AuditEntry | None:
        query = sa.select(audit).where(audit.c.action == str(action), audit.c.subject == subject)
        if until is not None:
            query = query.where(audit.c.at <= until)
        row = connection.execute(query.order_by(audit.c.id.desc()).limit(1)).mappings().first()
        return AuditEntry(**row) if row else None
