"""Entries of the audit: who did what to which thing, and when. Entries are added, never changed; each is hashed with the
one before, so that none can be changed, taken out, put between or moved without the chain showing it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from export_pipelines.ledger.tables import audit

FIRST = "0" * 64  # what stands before the first entry
ADDING = 0x6175646974  # of PostgreSQL's advisory locks: one adds at a time
READ_ROWS = 1000


@dataclass(frozen=True)
class AuditEntry:
    """`subject` is what it was done to, `detail` all else; neither holds a secret or a lead's value. Ids count from 1
    without a gap; `hash` is that of the entry and of all before it."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]
    hash: str

    def hash_after(self, previous: str) -> str:
        """SHA-256 of this entry behind one with the hash `previous`."""
        content = [
            previous,
            self.id,
            self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            self.actor,
            self.action,
            self.subject,
            self.detail,
        ]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def add_entry(connection: sa.Connection, row: Mapping[str, Any]) -> int:
    """The new entry's id. Who adds at the same time waits until the transaction of `connection` ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ADDING)))
    last, previous = chain_end(connection)
    id = last + 1
    entry = AuditEntry(id=id, hash="", **json_safe(row))
    connection.execute(sa.insert(audit).values(**row, id=id, hash=entry.hash_after(previous)))
    return id


def chain_end(connection: sa.Connection) -> tuple[int, str]:
    """Id and hash of the last entry; 0 and FIRST of an empty audit."""
    query = sa.select(audit.c.id, audit.c.hash).order_by(audit.c.id.desc()).limit(1)
    last = connection.execute(query).first()
    return (last.id, last.hash) if last else (0, FIRST)


def json_safe(row: Mapping[str, Any]) -> dict[str, Any]:
    """As it is read again: a tuple in `detail` becomes a list."""
    return {**row, "detail": json.loads(json.dumps(row["detail"]))}


def read_entries(
    connection: sa.Connection, action: str | None = None, subject: str | None = None
) -> Iterator[AuditEntry]:
    """Oldest first."""
    query = sa.select(audit).order_by(audit.c.id)
    if action is not None:
        query = query.where(audit.c.action == action)
    if subject is not None:
        query = query.where(audit.c.subject == subject)
    for row in connection.execution_options(yield_per=READ_ROWS).execute(query).mappings():
        yield AuditEntry(**row)
