"""The rows that were in a table when a stream over a replication slot began, page by page, while others are written: each row is
in one page, or told by its transaction, and never both.

A page shows the transactions that its snapshot shows. Of a transaction, the rows that the walk has passed are sent, and the
others are left to it: passed, that is, when the transaction became visible, before the last page or after it. A page is read
when all transactions that the last one showed were told."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Connection, text

from export_pipelines.streaming.horizons import by_id
from export_pipelines.streaming.horizons.connection import Connected
from export_pipelines.streaming.horizons.pgoutput import Piece
from export_pipelines.streaming.horizons.slot_state import ServerState
from export_pipelines.streaming.horizons.snapshot_text import Snapshot
from export_pipelines.streaming.horizons.timed_rows import Row, TimedRows, read_row, written

SNAPSHOT = text("SELECT pg_current_snapshot()::text")
INSERTED = text("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")
NUDGE = text(
    "SELECT pg_current_xact_id()::text"
)  # what was committed without waiting is written down soon after
SOON_S = 0.2


@dataclass(frozen=True)
class Walk:
    """Rows from the time `start` on, up to `key`, the last row of the last page; that of the page before ended with `before`. The
    page showed the `snapshot`, whose transactions had all begun to commit before the LSN `shown`. `awaited` are the
    transactions that must end before the first page."""

    start: str
    key: Sequence[Any] | None = None
    before: Sequence[Any] | None = None
    snapshot: str | None = None
    shown: int = 0
    is_over: bool = False
    awaited: Sequence[int] = ()

    def stored(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        return cls(**stored)


class TableWalk:
    """Walks through the rows of `table`."""

    def __init__(self, table: TimedRows, database: Connected) -> None:
        self.table, self.database = table, database

    def step(
        self, walk: Walk, pieces: Sequence[Piece], reached: int | None, state: ServerState
    ) -> tuple[list[str], Walk | None]:
        """The ids of the transactions, without those that the walk has yet to come to, and those of the next page where all
        transactions up to the LSN `reached` were told; the walk then, None where it is done."""
        ids = self._passed(walk, pieces)
        if walk.awaited:
            now = Snapshot.read(state.snapshot)
            awaited = [number for number in walk.awaited if not now.shows(number)]
            if awaited:
                time.sleep(SOON_S)
            return ids, replace(walk, awaited=awaited)
        if reached is None or reached < walk.shown:
            if state.flushed < walk.shown:
                self.database.ask(lambda connection: connection.execute(NUDGE).all())
                time.sleep(SOON_S)
            return ids, walk
        if walk.is_over:
            return ids, None
        page, walk = self.page(walk)
        return [*ids, *page], walk

    def page(self, walk: Walk) -> tuple[list[str], Walk]:
        """The ids of the next page."""
        start, after = datetime.fromisoformat(walk.start), _row(walk.key)

        def read(connection: Connection) -> tuple[list[Row], str, int]:
            rows = self.table.page(connection, start, None, after, by_id.MOST_IDS)
            # of the same transaction, and so of the same snapshot; the LSN is that of now
            return rows, connection.execute(SNAPSHOT).scalar_one(), connection.execute(INSERTED).scalar_one()

        rows, snapshot, shown = self.database.ask(read)
        key = written(rows[-1]) if rows else walk.key
        is_over = len(rows) < by_id.MOST_IDS
        return [row.id for row in rows], Walk(walk.start, key, walk.key, snapshot, shown, is_over)

    def _passed(self, walk: Walk, pieces: Sequence[Piece]) -> list[str]:
        last = Snapshot.read(walk.snapshot) if walk.snapshot else None
        is_shown = [last is not None and last.shows(piece.xid) for piece in pieces]
        before = [id for piece, shown in zip(pieces, is_shown, strict=True) if shown for id in piece.ids]
        since = [id for piece, shown in zip(pieces, is_shown, strict=True) if not shown for id in piece.ids]
        ahead = (
            frozenset() if walk.is_over else self._ahead(walk, since, walk.key),
            self._ahead(walk, before, walk.before),
        )
        return [
            id
            for piece, shown in zip(pieces, is_shown, strict=True)
            for id in piece.ids
            if id not in ahead[shown]
        ]

    def _ahead(self, walk: Walk, ids: Sequence[str], key: Sequence[Any] | None) -> frozenset[str]:
        """Those that come after the key, to which the walk has yet to come."""
        if not ids:
            return frozenset()
        start, after = datetime.fromisoformat(walk.start), _row(key)
        return self.database.ask(lambda connection: self.table.since(connection, ids, start, after))


def _row(key: Sequence[Any] | None) -> Row | None:
    return read_row(key) if key is not None else None
