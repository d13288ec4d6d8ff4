"""What the ledger knows of an export's windows: an entry for each artifact, with how far its deliveries came."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from export_pipelines.ledger.delivery import State
from export_pipelines.ledger.tables import artifacts, deliveries, requests


@dataclass(frozen=True)
class WindowRecord:
    """One artifact of a window. `missing` are the states of its deliveries that are not `delivered`.

    `origin` is who asked for its run, None when nobody knows; so are `window_end`, `fingerprint` and `overridden` (the run
    had a filter of its own) of an artifact that an older version of the program made.
    """

    artifact: str
    window_key: str
    window_end: datetime | None
    fingerprint: str | None
    overridden: bool | None
    run_id: str | None
    created_at: datetime
    origin: str | None
    missing: frozenset[State]

    @property
    def arrived(self) -> bool:
        """It is at all of its destinations, or was erased."""
        return not self.missing


@dataclass(frozen=True)
class WrittenRecord:
    """All artifacts of an export: how many, their rows and bytes, and the end of the newest window."""

    artifacts: int
    rows: int
    bytes: int
    window_end: datetime | None


@dataclass(frozen=True)
class ArtifactRecord:
    """An artifact as the ledger knows it, also once its files have expired."""

    artifact: str
    export: str
    window_key: str
    window_end: datetime | None
    created_at: datetime
    rows: int
    bytes: int
    missing: frozenset[State]


def recent_artifacts(engine: sa.Engine, limit: int) -> dict[str, list[ArtifactRecord]]:
    """The newest `limit` artifacts of each export, oldest first, by the export's name."""
    number = sa.func.row_number().over(
        partition_by=artifacts.c.export, order_by=(artifacts.c.created_at.desc(), artifacts.c.artifact.desc())
    )
    ranked = sa.select(artifacts, number.label("number")).subquery()
    recent = sa.select(ranked.c.artifact).where(ranked.c.number <= limit)
    names = [name for name in ArtifactRecord.__dataclass_fields__ if name != "missing"]
    query = (
        sa.select(*(artifacts.c[name] for name in names))
        .where(artifacts.c.artifact.in_(recent))
        .order_by(artifacts.c.created_at, artifacts.c.artifact)
    )
    with engine.begin() as connection:
        missing = _missing(connection, artifacts.c.artifact.in_(recent))
        rows = connection.execute(query).mappings().all()
    records: dict[str, list[ArtifactRecord]] = {}
    for row in rows:
        record = ArtifactRecord(**row, missing=frozenset(missing.get(row["artifact"], ())))
        records.setdefault(record.export, []).append(record)
    return records


def written_records(connection: sa.Connection) -> dict[str, WrittenRecord]:
    """By the export's name."""
    query = sa.select(
        artifacts.c.export,
        sa.func.count().label("artifacts"),
        sa.func.sum(artifacts.c.rows).label("rows"),
        sa.func.sum(artifacts.c.bytes).label("bytes"),
        sa.func.max(artifacts.c.window_end).label("window_end"),
    ).group_by(artifacts.c.export)
    return {
        row.export: WrittenRecord(row.artifacts, int(row.rows), int(row.bytes), row.window_end)
        for row in connection.execute(query)
    }


def window_records(connection: sa.Connection, export: str, first_key: str) -> list[WindowRecord]:
    """Of the artifacts with `first_key` and later ones, oldest first."""
    wanted = sa.and_(artifacts.c.export == export, artifacts.c.window_key >= first_key)
    missing = _missing(connection, wanted)
    names = [name for name in WindowRecord.__dataclass_fields__ if name not in ("origin", "missing")]
    query = (
        sa.select(*(artifacts.c[name] for name in names), requests.c.origin)
        .join(requests, requests.c.run_id == artifacts.c.run_id, isouter=True)
        .where(wanted)
        .order_by(artifacts.c.created_at, artifacts.c.artifact)
    )
    return [
        WindowRecord(**row, missing=frozenset(missing.get(row["artifact"], ())))
        for row in connection.execute(query).mappings()
    ]


def has_arrived(connection: sa.Connection, export: str, window_key: str, since: datetime | None) -> bool:
    """Whether an artifact of the window, made after `since`, is at all of its destinations, or was erased since."""
    missing = sa.exists().where(
        deliveries.c.artifact == artifacts.c.artifact,
        deliveries.c.state != "delivered",
        artifacts.c.erased_at.is_(None),
    )
    query = sa.select(artifacts.c.artifact).where(
        artifacts.c.export == export, artifacts.c.window_key == window_key, ~missing
    )
    if since is not None:
        query = query.where(artifacts.c.created_at >= since)
    return connection.execute(query).first() is not None


def _missing(connection: sa.Connection, wanted: sa.ColumnElement[bool]) -> dict[str, set[State]]:
    query = (
        sa.select(deliveries.c.artifact, deliveries.c.state)
        .join(artifacts, artifacts.c.artifact == deliveries.c.artifact)
        .where(wanted, deliveries.c.state != "delivered", artifacts.c.erased_at.is_(None))
    )
    states: dict[str, set[State]] = {}
    for artifact, state in connection.execute(query):
        states.setdefault(artifact, set()).add(state)
    return states
