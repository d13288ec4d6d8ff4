"""Proves the audit: its chain from the first entry to the last, and the checkpoints that are signed on the way."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from export_pipelines.ledger.audit_entries import FIRST, AuditEntry, chain_end, read_entries
from export_pipelines.ledger.checkpoint import Checkpoint, Signer
from export_pipelines.ledger.inserts import insert_of
from export_pipelines.ledger.tables import checkpoints


@dataclass(frozen=True)
class ChainState:
    """The entries of a chain that holds, and the hash of the last one. `faults` is empty, or names the first entry at which
    it breaks, and the checkpoints that it does not bear out."""

    size: int
    hash: str
    faults: tuple[str, ...] = ()


def sign_checkpoint(engine: sa.Engine, signer: Signer, at: datetime) -> str:
    """Signs the audit as it stands, and keeps the note in the ledger. Returns the note, which is to be kept elsewhere too."""
    with engine.begin() as connection:
        size, hash = chain_end(connection)
        note = signer.note(Checkpoint(size, hash, at))
        insert = insert_of(connection.dialect.name)(checkpoints).values(size=size, at=at, note=note)
        connection.execute(insert.on_conflict_do_nothing())
    return note


def kept_notes(engine: sa.Engine) -> list[str]:
    """The notes that the ledger keeps, the oldest first."""
    with engine.begin() as connection:
        return list(connection.scalars(sa.select(checkpoints.c.note).order_by(checkpoints.c.size)))


def last_checkpoint_at(engine: sa.Engine) -> datetime | None:
    """When the newest checkpoint was signed."""
    with engine.begin() as connection:
        at: datetime | None = connection.scalar(sa.select(sa.func.max(checkpoints.c.at)))
        return at


def verify_chain(engine: sa.Engine, signed: Iterable[Checkpoint] = ()) -> ChainState:
    """Reads the whole audit, in constant memory. A checkpoint is only as good as the place that it was kept in."""
    wanted = {checkpoint.size: checkpoint for checkpoint in signed}
    seen: dict[int, str] = {0: FIRST} if 0 in wanted else {}
    size, previous = 0, FIRST
    for entry in read_entries(engine):
        fault = _fault(entry, size + 1, previous)
        if fault:
            return ChainState(size, previous, (fault,))
        size, previous = entry.id, entry.hash
        if size in wanted:
            seen[size] = previous
    return ChainState(size, previous, _broken(wanted, seen, size))


def _fault(entry: AuditEntry, expected: int, previous: str) -> str | None:
    if entry.hash == entry.hash_after(previous):
        return None
    if entry.id > expected:
        return f"entry {expected} is missing: the one after it is {entry.id}"
    return f"entry {entry.id} does not follow from the one before it: it was changed, put in or moved"


def _broken(wanted: Mapping[int, Checkpoint], seen: Mapping[int, str], size: int) -> tuple[str, ...]:
    faults = []
    for count, checkpoint in sorted(wanted.items()):
        if count > size:
            faults.append(
                f"entry {size + 1} is missing: the checkpoint of {checkpoint.at:%Y-%m-%d %H:%M:%S} UTC counted {count}"
            )
        elif seen.get(count) != checkpoint.hash:
            faults.append(
                f"entry {count} or one before it was changed after the checkpoint of {checkpoint.at:%Y-%m-%d %H:%M:%S} UTC"
            )
    return tuple(faults)
