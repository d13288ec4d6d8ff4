"""Entries of the audit: who did what to which thing, and when. Entries are added, never changed; each is hashed with the
one before, so that none can be changed, taken out, put between or moved without the chain showing it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from export_pipelines.ledger.audit_action import AuditAction, AuditOutcome
from export_pipelines.ledger.tables import audit

FIRST = "0" * 64  # what stands before the first entry
ADDING = 0x6175646974  # of PostgreSQL's advisory locks: one adds at a time
READ_ROWS = 1000
INSERT = sa.insert(audit)
LAST = sa.select(audit.c.id, audit.c.hash).order_by(audit.c.id.desc()).limit(1)


@dataclass(frozen=True)
class AuditRecord:
    """What is to be recorded: an entry without its time and its place in the chain. See AuditEntry for the words."""

    actor: str
    action: AuditAction
    subject: str
    outcome: AuditOutcome = AuditOutcome.DONE
    owner: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    def row(self, at: datetime) -> dict[str, Any]:
        return {
            "at": at,
            "actor": self.actor,
            "action": str(self.action),
            "subject": self.subject,
            "outcome": str(self.outcome),
            "owner": self.owner,
            "detail": dict(self.detail),
        }


@dataclass(frozen=True)
class AuditEntry:
    """`actor` is who asked, `owner` whose rights held beside theirs; `subject` is what it was done to, `detail` all else.
    None of them holds a secret or a lead's value: what may is told by its digest. Ids count from 1 without a gap; `hash`
    is that of the entry and of all before it. Entries of releases before 0010 have no `outcome`."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]
    hash: str
    owner: str | None = None
    outcome: str | None = None

    def hash_after(self, previous: str) -> str:
        """SHA-256 of this entry behind one with the hash `previous`."""
        return hashlib.sha256(self.text_after(previous).encode()).hexdigest()

    def text_after(self, previous: str) -> str:
        """What is hashed, to the byte: one line of JSON in ASCII, which begins with `previous`."""
        content = [
            previous,
            self.id,
            self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            self.actor,
            self.action,
            self.subject,
            self.detail,
            *([self.owner, self.outcome] if self.outcome is not None else []),
        ]
        return json.dumps(content, sort_keys=True, separators=(",", ":"))


def add_entry(connection: sa.Connection, row: Mapping[str, Any]) -> int:
    """The new entry's id. Who adds at the same time waits until the transaction of `connection` ends, so this is the last
    thing that a transaction does."""
    wait_for_others(connection)
    last, previous = chain_end(connection)
    id = last + 1
    entry = AuditEntry(id=id, hash="", **json_safe(row))
    connection.execute(INSERT, {**row, "id": id, "hash": entry.hash_after(previous)})
    return id


def wait_for_others(connection: sa.Connection) -> None:
    """Until the transaction ends, nobody else adds. On SQLite each transaction is alone."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ADDING)))


def chain_end(connection: sa.Connection) -> tuple[int, str]:
    """Id and hash of the last entry; 0 and FIRST of an empty audit."""
    last = connection.execute(LAST).first()
    return (last.id, last.hash) if last else (0, FIRST)


def json_safe(row: Mapping[str, Any]) -> dict[str, Any]:
    """As it is read again: a tuple in `detail` becomes a list."""
    return {**row, "detail": json.loads(json.dumps(row["detail"]))}


def read_entries(
    engine: sa.Engine,
    action: str | None = None,
    since: datetime | None = None,
    before: datetime | None = None,
    subject: str | None = None,
) -> Iterator[AuditEntry]:
    """Oldest first, `since` included and `before` not; a thousand at a time, so that who writes does not wait for who reads."""
    query = sa.select(audit).order_by(audit.c.id).limit(READ_ROWS)
    if action is not None:
        query = query.where(audit.c.action == action)
    if subject is not None:
        query = query.where(audit.c.subject == subject)
    if since is not None:
        query = query.where(audit.c.at >= since)
    if before is not None:
        query = query.where(audit.c.at < before)
    last = None
    while True:
        page = query if last is None else query.where(audit.c.id > last)
        with engine.begin() as connection:
            entries = [AuditEntry(**row) for row in connection.execute(page).mappings()]
        yield from entries
        if len(entries) < READ_ROWS:
            return
        last = entries[-1].id
