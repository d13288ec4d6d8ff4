"""Streams in the ledger: the cursor of each, moved after the sink has answered, and the lease of the process that runs it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from export_pipelines.errors import LostLease
from export_pipelines.ledger.alert import Alert
from export_pipelines.ledger.inserts import insert_of
from export_pipelines.ledger.locks import Locks
from export_pipelines.ledger.silence import LedgerSilent
from export_pipelines.ledger.tables import alerts, dead_letters, stream_objects, streams


@dataclass(frozen=True)
class StreamState:
    """What the ledger knows of a stream. `number` is that of the lease, `sequence` that of the next record."""

    export: str
    number: int = 0
    holder: str | None = None
    held_since: datetime | None = None
    seen_at: datetime | None = None
    wanted_by: str | None = None
    paused_at: datetime | None = None
    paused_by: str | None = None
    cursor: Mapping[str, Any] | None = None
    intentions: Sequence[Mapping[str, Any]] = ()
    sequence: int = 1
    schema_version: int = 0
    schema: str | None = None
    sent: int = 0
    bytes: int = 0
    batches: int = 0
    doubtful: int = 0
    late: int = 0
    newest: datetime | None = None
    error: str | None = None
    error_at: datetime | None = None


@dataclass(frozen=True)
class DeadRecord:
    """A record that a sink can never take."""

    sequence: int
    id: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class StreamObject:
    """An object in a bucket that holds the records of two sequences and all between."""

    place: str
    first_sequence: int
    last_sequence: int
    rows: int
    bytes: int
    sha256: str
    at: datetime


@dataclass(frozen=True)
class Progress:
    """What one commit changes: the `cursor` behind it and the next `sequence`, by how much the counters grow, and what was
    put or given up."""

    cursor: Mapping[str, Any]
    sequence: int
    grown: Mapping[str, int] = field(default_factory=dict)
    newest: datetime | None = None
    stored: StreamObject | None = None
    dead: Sequence[DeadRecord] = ()
    alert: Alert | None = None


@dataclass(frozen=True)
class Lease:
    """The right to send the records of a stream. Whoever has lost it changes nothing: each write asks for its number."""

    engine: sa.Engine
    export: str
    number: int

    def state(self) -> StreamState:
        """Raises LostLease when another process has it."""
        with _transaction(self.engine) as connection:
            state = _read(connection, self.export)
        if state.number != self.number:
            raise self._lost()
        return state

    def begin(self, cursor: Mapping[str, Any], at: datetime) -> None:
        """The first cursor, or the one with a span that is about to be read."""
        with _transaction(self.engine) as connection:
            self._update(connection, cursor=dict(cursor), seen_at=at)

    def intend(self, intentions: Sequence[Mapping[str, Any]], at: datetime) -> None:
        """What is about to be put at this cursor."""
        with _transaction(self.engine) as connection:
            self._update(connection, intentions=[dict(intention) for intention in intentions], seen_at=at)

    def advance(self, progress: Progress, at: datetime) -> None:
        """All up to the cursor is at the sink."""
        with _transaction(self.engine) as connection:
            grown = {name: streams.c[name] + number for name, number in progress.grown.items()}
            newest = {"newest": progress.newest} if progress.newest else {}
            self._update(
                connection,
                cursor=dict(progress.cursor),
                sequence=progress.sequence,
                intentions=[],
                seen_at=at,
                error=None,
                error_at=None,
                **grown,
                **newest,
            )
            if progress.stored:
                row = {name: getattr(progress.stored, name) for name in StreamObject.__dataclass_fields__}
                self._add(connection, stream_objects, {"export": self.export, **row})
            if progress.alert:
                self._add(connection, alerts, asdict(progress.alert))
            for record in progress.dead:
                row = {name: getattr(record, name) for name in DeadRecord.__dataclass_fields__}
                self._add(connection, dead_letters, {"export": self.export, **row})

    def use_schema(self, schema: str, at: datetime) -> int:
        """The version of the records' schema, which is a new one when it differs from the last."""
        with _transaction(self.engine) as connection:
            state = _read(connection, self.export)
            version = state.schema_version + (state.schema != schema)
            self._update(connection, schema=schema, schema_version=version, seen_at=at)
        return version

    def note_error(self, text: str, at: datetime) -> None:
        with _transaction(self.engine) as connection:
            self._update(connection, error=text, error_at=at, seen_at=at)

    def alert(self, alert: Alert) -> None:
        """Something that people are to be told of now."""
        with _transaction(self.engine) as connection:
            self._add(connection, alerts, asdict(alert))

    def beat(self, at: datetime) -> None:
        """The holder lives, and nothing is wrong."""
        with _transaction(self.engine) as connection:
            self._update(connection, seen_at=at, error=None, error_at=None)

    def unlisted(self) -> list[StreamObject]:
        """Objects that no manifest lists yet, in order."""
        query = (
            sa.select(stream_objects)
            .where(stream_objects.c.export == self.export)
            .order_by(stream_objects.c.first_sequence)
        )
        with _transaction(self.engine) as connection:
            rows = connection.execute(query).mappings()
            return [
                StreamObject(**{name: row[name] for name in StreamObject.__dataclass_fields__})
                for row in rows
            ]

    def listed(self, places: Sequence[str]) -> None:
        """A manifest has these objects."""
        with _transaction(self.engine) as connection:
            connection.execute(sa.delete(stream_objects).where(stream_objects.c.place.in_(places)))

    def _update(self, connection: sa.Connection, **values: Any) -> None:
        mine = sa.and_(streams.c.export == self.export, streams.c.number == self.number)
        if connection.execute(sa.update(streams).where(mine).values(**values)).rowcount != 1:
            raise self._lost()

    def _add(self, connection: sa.Connection, table: sa.Table, row: Mapping[str, Any]) -> None:
        insert = insert_of(connection.dialect.name)
        connection.execute(insert(table).values(row).on_conflict_do_nothing())

    def _lost(self) -> LostLease:
        return LostLease("another process runs the stream now", where=self.export)


@dataclass(frozen=True)
class Streams:
    """The streams of the ledger behind `engine`."""

    engine: sa.Engine
    locks: Locks

    @contextmanager
    def lease(self, export: str, holder: str, at: datetime) -> Iterator[Lease | None]:
        """The lease for the block, None while another process has it. It ends with its holder, however that ends."""
        with self.locks.hold(f"stream:{export}") as acquired:
            if not acquired:
                yield None
                return
            lease = self._taken(export, holder, at)
            try:
                yield lease
            finally:
                with suppress(LostLease):
                    self._give_up(lease)

    def want(self, export: str, by: str) -> None:
        """Asks the holder for the lease."""
        self._set(export, wanted_by=by)

    def want_no_more(self, export: str, by: str) -> None:
        """Takes the wish back, were it not another's by now."""
        mine = sa.and_(streams.c.export == export, streams.c.wanted_by == by)
        with _transaction(self.engine) as connection:
            connection.execute(sa.update(streams).where(mine).values(wanted_by=None))

    def pause(self, export: str, by: str, at: datetime) -> None:
        self._set(export, paused_at=at, paused_by=by)

    def resume(self, export: str) -> None:
        self._set(export, paused_at=None, paused_by=None)

    def state(self, export: str) -> StreamState:
        """A stream that has never run has the state of a new one."""
        with _transaction(self.engine) as connection:
            return _read(connection, export)

    def all(self) -> list[StreamState]:
        """Those that have run, by name."""
        with _transaction(self.engine) as connection:
            rows = connection.execute(sa.select(streams).order_by(streams.c.export)).mappings()
            return [StreamState(**row) for row in rows]

    def dead_letters(self, export: str) -> list[DeadRecord]:
        table = dead_letters.c
        query = (
            sa.select(table.sequence, table.id, table.reason, table.at)
            .where(table.export == export)
            .order_by(table.sequence)
        )
        with _transaction(self.engine) as connection:
            return [DeadRecord(**row) for row in connection.execute(query).mappings()]

    def dead_letter_counts(self) -> dict[str, int]:
        """How many there are of each stream that has any."""
        query = sa.select(dead_letters.c.export, sa.func.count().label("number")).group_by(
            dead_letters.c.export
        )
        with self.engine.begin() as connection:
            return {row.export: row.number for row in connection.execute(query)}

    def _taken(self, export: str, holder: str, at: datetime) -> Lease:
        with _transaction(self.engine) as connection:
            self._ensure(connection, export)
            taken = {"number": streams.c.number + 1, "holder": holder, "held_since": at, "seen_at": at}
            mine = streams.c.export == export
            connection.execute(sa.update(streams).where(mine).values(**taken, wanted_by=None))
            number = connection.scalar(sa.select(streams.c.number).where(mine))
        assert number is not None
        return Lease(self.engine, export, number)

    def _give_up(self, lease: Lease) -> None:
        mine = sa.and_(streams.c.export == lease.export, streams.c.number == lease.number)
        with _transaction(self.engine) as connection:
            connection.execute(sa.update(streams).where(mine).values(holder=None, held_since=None))

    def _set(self, export: str, **values: Any) -> None:
        with _transaction(self.engine) as connection:
            self._ensure(connection, export)
            connection.execute(sa.update(streams).where(streams.c.export == export).values(**values))

    def _ensure(self, connection: sa.Connection, export: str) -> None:
        new = StreamState(export)
        row = {name: getattr(new, name) for name in StreamState.__dataclass_fields__}
        insert = insert_of(connection.dialect.name)
        connection.execute(insert(streams).values(row | {"intentions": []}).on_conflict_do_nothing())


@contextmanager
def _transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Raises LostLease where the ledger does not answer: nobody then knows who has the lease."""
    try:
        with engine.begin() as connection:
            yield connection
    except (DBAPIError, LedgerSilent) as error:
        raise LostLease(
            "the ledger does not answer, so nobody knows who runs the stream", remedy="run it again"
        ) from error


def _read(connection: sa.Connection, export: str) -> StreamState:
    row = connection.execute(sa.select(streams).where(streams.c.export == export)).mappings().first()
    return StreamState(**row) if row else StreamState(export)
