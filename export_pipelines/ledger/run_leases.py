"""The leases of runs: which process executes a run, and whether it still lives, by the clock of the ledger's database.

Who has lost the lease commits no manifest and begins no delivery: both ask here first, in the transaction that records them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from export_pipelines.errors import LostRun
from export_pipelines.ledger.inserts import insert_of
from export_pipelines.ledger.tables import Utc, metadata

LEASE = timedelta(seconds=45)  # without a heartbeat for so long, the lease is over
BEAT_S = 5.0
GIVE_UP_S = (
    35.0  # a holder that could not write its heartbeat for so long ends itself, before others end its lease
)

KEPT = timedelta(days=30)  # an ended lease; by then no message and no process knows of its run

run_leases = sa.Table(  # which process executes a run, and whether it lives
    "run_leases",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("root_run_id", sa.Text, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),  # of the runs of one root
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("taken_at", Utc, nullable=False),
    sa.Column("seen_at", Utc, nullable=False),  # its last heartbeat
    sa.Column("ended_at", Utc),
    sa.UniqueConstraint("root_run_id", "number"),
)


@dataclass(frozen=True)
class RunLease:
    """`number` counts the runs of one root: a run, and those that were asked for again in its place."""

    run_id: str
    root_run_id: str
    number: int
    holder: str
    taken_at: datetime
    seen_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True)
class LeaseCounts:
    """`live` had a heartbeat within LEASE, `overdue` had none and have not ended; `again` are those of the last KEPT that were
    taken in the place of an earlier run, as after a lost worker."""

    live: int
    overdue: int
    again: int


@dataclass(frozen=True)
class RunLeases:
    """The leases of the ledger behind `engine`. `now` is the clock where the database has none of its own."""

    engine: sa.Engine
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def take(self, run_id: str, root_run_id: str, holder: str) -> RunLease | None:
        """The lease of a run, which ends those of earlier runs of its root; None where the run has, or had, a holder."""
        same_root = run_leases.c.root_run_id == root_run_id
        with self.engine.begin() as connection:
            at = self._clock(connection)
            newest = connection.scalar(sa.select(sa.func.max(run_leases.c.number)).where(same_root))
            row = {
                "run_id": run_id,
                "root_run_id": root_run_id,
                "number": (newest or 0) + 1,
                "holder": holder,
                "taken_at": at,
                "seen_at": at,
            }
            insert = insert_of(connection.dialect.name)(run_leases).values(row).on_conflict_do_nothing()
            taken = connection.execute(insert.returning(run_leases)).mappings().first()
            if taken is None:
                return None
            earlier = sa.and_(same_root, run_leases.c.run_id != run_id, run_leases.c.ended_at.is_(None))
            connection.execute(sa.update(run_leases).where(earlier).values(ended_at=at))
        return RunLease(**taken)

    def beat(self, run_id: str) -> None:
        """The holder lives. Raises LostRun when the lease has ended."""
        with self.engine.begin() as connection:
            if not self._update(connection, run_id, seen_at=self._clock(connection)):
                raise _lost(run_id)

    def end(self, run_id: str) -> None:
        """The run is over; ending a lease that has ended changes nothing."""
        with self.engine.begin() as connection:
            self._update(connection, run_id, ended_at=self._clock(connection))

    def expire(self, run_id: str) -> bool:
        """Ends the lease if it is over; False where its holder came back, or somebody else has ended it."""
        with self.engine.begin() as connection:
            at = self._clock(connection)
            return self._update(connection, run_id, self._is_over(connection), ended_at=at)

    def over(self) -> list[RunLease]:
        """Leases that have not ended, and whose holders have not been heard of for as long as a lease lasts."""
        with self.engine.begin() as connection:
            query = sa.select(run_leases).where(run_leases.c.ended_at.is_(None), self._is_over(connection))
            return [RunLease(**row) for row in connection.execute(query).mappings()]

    def counts(self) -> LeaseCounts:
        with self.engine.begin() as connection:
            is_over, holds = self._is_over(connection), run_leases.c.ended_at.is_(None)
            again = sa.and_(run_leases.c.number > 1, run_leases.c.taken_at > self._before(connection))
            wheres = (sa.and_(holds, ~is_over), sa.and_(holds, is_over), again)
            query = sa.select(*(sa.func.count().filter(where) for where in wheres)).select_from(run_leases)
            row = connection.execute(query).one()
            return LeaseCounts(row[0], row[1], row[2])

    def forget(self) -> int:
        """Deletes leases that ended longer than KEPT ago; how many. Those of a root whose newest run is younger stay, as they
        number it."""
        with self.engine.begin() as connection:
            newer, before = run_leases.alias(), self._before(connection)
            is_young = sa.or_(newer.c.ended_at.is_(None), newer.c.ended_at >= before)
            has_young = sa.exists().where(newer.c.root_run_id == run_leases.c.root_run_id, is_young)
            return connection.execute(sa.delete(run_leases).where(~has_young)).rowcount

    def of(self, run_id: str) -> RunLease | None:
        """The lease of a run, ended or not; None where it has never had one."""
        query = sa.select(run_leases).where(run_leases.c.run_id == run_id)
        with self.engine.begin() as connection:
            row = connection.execute(query).mappings().first()
        return RunLease(**row) if row else None

    def replacement(self, run_id: str) -> str | None:
        """The newest run of the same root that took its lease after `run_id` did; None where there is none."""
        newer = run_leases.alias()
        later = sa.and_(newer.c.root_run_id == run_leases.c.root_run_id, newer.c.number > run_leases.c.number)
        query = sa.select(newer.c.run_id).join(run_leases, later).where(run_leases.c.run_id == run_id)
        with self.engine.begin() as connection:
            return connection.scalar(query.order_by(newer.c.number.desc()).limit(1))

    def require(self, run_id: str) -> None:
        """Raises LostRun for a run that has lost its lease; a run without one, as at the terminal, has none to lose."""
        with self.engine.begin() as connection:
            require_lease(connection, run_id)

    def _update(self, connection: sa.Connection, run_id: str, *where: Any, **values: Any) -> bool:
        mine = sa.and_(run_leases.c.run_id == run_id, run_leases.c.ended_at.is_(None), *where)
        return connection.execute(sa.update(run_leases).where(mine).values(values)).rowcount == 1

    def _clock(self, connection: sa.Connection) -> Any:
        return sa.func.clock_timestamp() if _is_postgresql(connection) else self.now()

    def _before(self, connection: sa.Connection) -> Any:
        return self._clock(connection) - KEPT

    def _is_over(self, connection: sa.Connection) -> sa.ColumnElement[bool]:
        """While PostgreSQL was down nobody could write a heartbeat: the time counts from its start."""
        if not _is_postgresql(connection):
            return run_leases.c.seen_at < self.now() - LEASE
        heard = sa.func.greatest(run_leases.c.seen_at, sa.func.pg_postmaster_start_time())
        return heard < sa.func.clock_timestamp() - LEASE


def require_lease(connection: sa.Connection, run_id: str | None) -> None:
    """Within a transaction of the ledger: raises LostRun for a run whose lease has ended, or is not the newest of its root.
    On PostgreSQL nobody can end the lease before the transaction ends."""
    if run_id is None:
        return
    row = connection.execute(_lease_of_run(), {"of": run_id}).first()
    if row and (row[0] is not None or not row[1]):
        raise _lost(run_id)


@cache
def _lease_of_run() -> sa.Select[Any]:
    """When the lease of the run `of` has ended, and whether it is the newest of its root."""
    newest = run_leases.alias()
    number = sa.select(sa.func.max(newest.c.number)).where(newest.c.root_run_id == run_leases.c.root_run_id)
    query = sa.select(run_leases.c.ended_at, run_leases.c.number == number.scalar_subquery())
    return query.where(run_leases.c.run_id == sa.bindparam("of")).with_for_update(read=True)


def _is_postgresql(connection: sa.Connection) -> bool:
    return connection.dialect.name == "postgresql"


def _lost(run_id: str) -> LostRun:
    return LostRun(
        "the run has lost its lease: it was ended, or another one runs in its place; nothing more is written or sent",
        where=run_id,
    )
