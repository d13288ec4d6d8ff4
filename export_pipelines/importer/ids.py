"""Ids like MongoDB's ObjectIds: 24 lower-case hex digits, the first 8 the Unix time in seconds."""

from datetime import UTC, datetime
from hashlib import sha256

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def unix_seconds(moment: datetime) -> int:
    """Whole seconds since 1970, also before it (negative), never through a float."""
    return (moment - EPOCH) // (EPOCH.resolution * 1_000_000)


def hashed_id(seconds: int, *parts: str) -> str:
    """The id of `parts` at a Unix time: the same for equal parts, always."""
    digest = sha256("\0".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()
    return f"{seconds & 0xFFFFFFFF:08x}{digest[:16]}"


def party_id(kind: str, name: str) -> str:
    """The id of a flow, source or recipient that is known by name only; its time is that of nobody: zero."""
    return hashed_id(0, kind, name)
