"""Series of artifacts of which each may hold what has changed since one before: which set of rows a reader has.

An artifact with a base may only arrive where its base was the last to arrive. What was tried since, and did not end well, may
have arrived all the same, so nobody knows then what a reader has."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from export_pipelines.artifacts import Changes, Manifest
from export_pipelines.definition.destinations import StoredEntry
from export_pipelines.errors import BaseReplaced, RequestError
from export_pipelines.ledger.delivery import Delivery, lock_key_of
from export_pipelines.ledger.tables import artifacts, attempts, deliveries

LAST_ATTEMPT = (
    sa.select(sa.func.max(attempts.c.serial))
    .join(deliveries, deliveries.c.id == attempts.c.delivery)
    .where(deliveries.c.lock_key == sa.bindparam("of"))
)
TRIED = (
    sa.select(deliveries.c.artifact, attempts.c.outcome, artifacts.c.erased_at)
    .join(deliveries, deliveries.c.id == attempts.c.delivery)
    .join(artifacts, artifacts.c.artifact == deliveries.c.artifact)
    .where(deliveries.c.lock_key == sa.bindparam("of"))
    .order_by(sa.func.coalesce(attempts.c.serial, 0).desc(), attempts.c.started_at.desc())
)
BASE = sa.select(artifacts.c.series, artifacts.c.base, artifacts.c.erased_at).where(
    artifacts.c.artifact == sa.bindparam("of")
)
ANOTHER = "run the export again: it writes, and delivers, a new artifact"
RUN_AGAIN = "run the export again: it then holds what has changed since what is there"


@dataclass(frozen=True)
class LastArrived:
    """The `artifact` that was the last to arrive at a destination, None for none, and those that were tried since."""

    artifact: str | None
    is_erased: bool
    tried: frozenset[str]

    def fault(self, base: str, artifact: str | None = None) -> str:
        """Why what has changed since `base` must not go there, as `artifact` or as one that is yet to be written; empty
        where it may."""
        tried = sorted(self.tried - {artifact})
        if tried:
            return f"{tried[0]} was tried there since, and may have arrived"
        if self.artifact in (base, artifact):
            return ""
        return f"{self.artifact} arrived there since" if self.artifact else f"{base} never arrived there"


def last_arrived(connection: sa.Connection, lock_key: str) -> LastArrived:
    """At the destination that is meant by `lock_key`."""
    tried = set[str]()
    for row in connection.execute(TRIED, {"of": lock_key}):
        if row.outcome == "delivered":
            return LastArrived(row.artifact, row.erased_at is not None, frozenset(tried))
        tried.add(row.artifact)
    return LastArrived(None, False, frozenset(tried))


def next_attempt(connection: sa.Connection, lock_key: str) -> int:
    """The serial of a new attempt at a delivery of `lock_key`, whose lock is held."""
    return int(connection.scalar(LAST_ATTEMPT, {"of": lock_key}) or 0) + 1


def next_artifact(connection: sa.Connection, export: str, series: str) -> int:
    """The serial of a new artifact of the series."""
    query = sa.select(sa.func.max(artifacts.c.serial)).where(
        artifacts.c.export == export, artifacts.c.series == series
    )
    return int(connection.scalar(query) or 0) + 1


def last_registered(connection: sa.Connection, export: str, series: str, other_than: str = "") -> LastArrived:
    """The newest artifact of a series without destinations, which is what its readers have."""
    query = (
        sa.select(artifacts.c.artifact, artifacts.c.erased_at)
        .where(artifacts.c.export == export, artifacts.c.series == series, artifacts.c.artifact != other_than)
        .order_by(artifacts.c.serial.desc(), artifacts.c.artifact.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return LastArrived(row and row.artifact, bool(row and row.erased_at), frozenset())


def arrivals(
    engine: sa.Engine, export: str, series: str, entries: Sequence[StoredEntry]
) -> list[LastArrived]:
    """What arrived last at each of the destinations `entries`; without any, what was registered last."""
    with engine.begin() as connection:
        if not entries:
            return [last_registered(connection, export, series)]
        return [last_arrived(connection, lock_key_of(export, series, entry)) for entry in entries]


def enter(connection: sa.Connection, export: str, manifest: Manifest, locks: Sequence[str]) -> None:
    """A new artifact enters its series, where it is one of a series.

    Raises BaseReplaced where something else arrived, or was registered where nothing is delivered, since its base was chosen.
    """
    if manifest.changes is None:
        return
    _require_base(connection, export, manifest, manifest.changes, locks)
    serial = next_artifact(connection, export, manifest.changes.series)
    row = artifacts.c.artifact == manifest.artifact
    connection.execute(sa.update(artifacts).where(row).values(serial=serial))


def _require_base(
    connection: sa.Connection, export: str, manifest: Manifest, changes: Changes, locks: Sequence[str]
) -> None:
    if changes.since is None:
        return
    base = sa.select(artifacts.c.artifact).where(artifacts.c.artifact == changes.since)
    connection.execute(
        base.with_for_update()
    )  # of two runs with one base, the second waits here for the first
    if locks:
        last = [last_arrived(connection, lock_key) for lock_key in locks]
    else:
        last = [last_registered(connection, export, changes.series, manifest.artifact)]
    for fault in (arrived.fault(changes.since) for arrived in last):
        if fault:
            raise BaseReplaced(
                f"what has changed since {changes.since} is no longer asked for: {fault}",
                where=manifest.artifact,
                remedy=RUN_AGAIN,
            )


def base_fault(connection: sa.Connection, delivery: Delivery, again: bool) -> RequestError | None:
    """Why an artifact must not be delivered now: it was erased, it was withdrawn and nobody asks for it `again`, or its base
    was replaced."""
    row = connection.execute(BASE, {"of": delivery.artifact}).one()
    if row.erased_at is not None:
        return RequestError("it was erased", where=delivery.artifact, remedy=ANOTHER)
    if delivery.state == "withdrawn" and not again:
        return RequestError(
            "a newer artifact has taken the place of this one, and is delivered instead of it",
            where=delivery.artifact,
            remedy="export-pipelines deliveries lists it; export-pipelines deliver ARTIFACT --again sends the older one all the same",
        )
    if row.series is None:
        return None
    fault = row.base and last_arrived(connection, delivery.lock_key).fault(row.base, delivery.artifact)
    if not fault:
        return None
    return RequestError(
        f"it holds what has changed since {row.base}, and {fault}", where=delivery.artifact, remedy=RUN_AGAIN
    )
