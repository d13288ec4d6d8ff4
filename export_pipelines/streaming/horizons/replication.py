"""PostgreSQL, exactly, without a column for it: a logical replication slot tells the transactions in the order of their commits.
It is peeked at for the ids of the rows, which are read by the plan's SELECT once the server shows them, and moved on behind
what is at the sink."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from export_pipelines.catalog import Dataset
from export_pipelines.definition.stream import RetainedWal
from export_pipelines.errors import ExportError, RequestError
from export_pipelines.plan.dialects import dialect_of
from export_pipelines.plan.plan import Plan, iso
from export_pipelines.plan.query.tables import Tables
from export_pipelines.quantities import size
from export_pipelines.read.source import Source
from export_pipelines.streaming.horizon import Keep, Position, RowKey, Rows, Span, Start
from export_pipelines.streaming.horizons.by_id import NamedRows, read_named
from export_pipelines.streaming.horizons.connection import Connected
from export_pipelines.streaming.horizons.pgoutput import Piece
from export_pipelines.streaming.horizons.rows import START_AGAIN, position_of, require_own
from export_pipelines.streaming.horizons.slot_changes import SlotReader
from export_pipelines.streaming.horizons.slot_checks import Published
from export_pipelines.streaming.horizons.slot_state import ServerState, over_limit, server_state
from export_pipelines.streaming.horizons.slots import Slots, new_name
from export_pipelines.streaming.horizons.snapshot_text import Snapshot
from export_pipelines.streaming.horizons.table_walk import TableWalk, Walk
from export_pipelines.streaming.horizons.timed_rows import FIRST, TimedRows

NAME = "replication slot"
CREATION_S = 5.0
ADVANCE_S = 10.0  # so that the server may drop the WAL behind a stream without rows
LEAST_S = 3.0  # between two moves of the slot, each of which reads WAL once more


@dataclass(frozen=True)
class Replication:
    """The mechanism; see `horizon.Mechanism`. `wal` bounds what the server keeps for a slot."""

    dataset: Dataset
    url: str
    wal: RetainedWal
    name = NAME
    settle_s = None

    @property
    def reason(self) -> str:
        publication = self.dataset.stream.publication
        then = (
            "an alert is raised"
            if self.wal.exceeded == "alert"
            else "the slot is dropped and the stream ends"
        )
        return (
            f"the server tells the transactions of the publication {publication} in the order of their commits; none is lost. "
            f"It keeps WAL while the stream stands still; beyond {size(self.wal.limit)} {then}"
        )

    @property
    def new_rows(self) -> NamedRows:
        return NamedRows(self.dataset)

    def open(self, plan: Plan, source: Source) -> "ReplicationHorizon":
        return ReplicationHorizon(self, plan, source)


class ReplicationHorizon:
    """See `horizon.Horizon`. A position is an LSN before which every transaction is sent, and how many rows of the next one are;
    before that, rows that were there are walked through (`table_walk`). The slot is never ahead of a stored position."""

    name = NAME
    settle_s = None

    def __init__(self, mechanism: Replication, plan: Plan, source: Source) -> None:
        self.dataset, self.plan, self.source, self.url = mechanism.dataset, plan, source, mechanism.url
        self.wal = mechanism.wal
        self.table = TimedRows(
            Tables(self.dataset, dialect_of(plan.extract.dialect), None), self.dataset.window
        )
        self.database = Connected(mechanism.url)
        self.walk = TableWalk(self.table, self.database)
        self.slots = Slots(mechanism.url)
        self.published = Published(self.dataset, self.table.id.name)
        self.reader = SlotReader(self.slots, self.published)
        self.moved_at = self.told_at = 0.0
        self.is_known = (
            False  # whether the server is the one of the position: before that its slot is not moved
        )
        self.behind: tuple[str, int] | None = None  # a slot, and where it may move to
        self.fault: str | None = None

    def check(self) -> None:
        self.published.require(self.slots)
        self.table.require_index(self.url, self.slots.place)

    def begin(self, start: Start, keep: Keep | None = None) -> Position:
        at = iso(start) if isinstance(start, datetime) else start
        if keep is None:  # what was there, and no more
            since = {"since": at} if isinstance(start, datetime) else {}
            begun = at if since else iso(FIRST)
            return position_of(NAME, slot=None, **since, walk=Walk(begun).stored())
        name = new_name(keep.stream)
        position = position_of(NAME, slot=name, start=at)
        keep.store(position)  # so that no slot is left that nobody knows of
        return self._begun(position)

    def look(self, position: Position) -> Span | None:
        own = require_own(position, NAME)
        if own["slot"] is None:
            return self._rows_there(own)
        if "lsn" not in own:
            return Span({"ids": []}, self._begun(own), more=True)
        state = server_state(self.slots, own["slot"], self.published)
        if state.is_promoted(own):
            return Span({"ids": []}, self._on_timeline(own, state), more=True)
        self._watch(own, state)
        self.is_known = True
        pieces, is_whole, reached = self.reader.next_pieces(own, state)
        ids, end = _joined(own, pieces, reached)
        if "walk" in own:
            ids, walk = self.walk.step(Walk.read(own["walk"]), pieces, reached, state)
            end = {key: value for key, value in end.items() if key != "walk"}
            end |= {"walk": walk.stored()} if walk else {}
            is_whole = is_whole and walk is None
        elif not ids and is_whole and not self._is_to_move(own, end):
            return None
        self.told_at = time.monotonic()
        ids = self._since(list(dict.fromkeys(ids)), own.get("since"))
        return Span({"ids": ids}, end, more=not is_whole)

    def read(self, span: Span, after: RowKey | None) -> Iterator[Rows]:
        return read_named(self.source, self.plan, self.dataset.row_id, span.content["ids"], after)

    def passed(self, position: Position) -> None:
        own = require_own(position, NAME)
        if own["slot"] is None or "lsn" not in own:
            return
        self.behind = (own["slot"], own["lsn"])
        if time.monotonic() - self.moved_at >= LEAST_S:
            self._move()

    def warning(self, position: Position) -> str | None:
        own = require_own(position, NAME)
        if own["slot"] is None or "lsn" not in own:
            return None
        state = server_state(self.slots, own["slot"], self.published)
        if not state.is_promoted(own):
            self._watch(own, state)
        return self.fault

    def close(self) -> None:
        with suppress(ExportError):  # the slot may stay behind the cursor
            self._move()
        self.reader.close()
        self.slots.close()
        self.database.close()

    def _move(self) -> None:
        """Moves the slot to the position behind which all is stored."""
        if self.behind is None or not self.is_known:
            return
        (name, lsn), self.behind = self.behind, None
        slot = self.slots.state(name)
        if slot and not slot.is_lost and slot.confirmed is not None and slot.confirmed < lsn:
            self.slots.advance(name, lsn)
        self.moved_at = time.monotonic()

    def _begun(self, own: Mapping[str, Any]) -> Position:
        """The position behind the making of its slot. Raises RetryableError while transactions are open that were before it."""
        lsn, start = self.slots.create(own["slot"], CREATION_S), own["start"]
        state = server_state(self.slots, own["slot"], self.published)
        begun: dict[str, Any] = {
            "slot": own["slot"],
            "cluster": state.cluster,
            "timeline": state.timeline,
            "published": state.published,
            "lsn": lsn,
            "rows": 0,
        }
        if start != "now":
            since = None if start == "beginning" else start
            begun |= {"since": since} if since else {}
            # a transaction that committed before the slot may not be visible yet
            awaited = sorted(Snapshot.read(state.snapshot).open)
            begun["walk"] = Walk(since or iso(FIRST), awaited=awaited).stored()
        return position_of(NAME, **begun)

    def _rows_there(self, own: Mapping[str, Any]) -> Span | None:
        """The next rows of a replay."""
        if own["walk"] is None:
            return None
        ids, walk = self.walk.page(Walk.read(own["walk"]))
        return Span(
            {"ids": ids}, {**own, "walk": walk.stored() if not walk.is_over else None}, not walk.is_over
        )

    def _is_to_move(self, own: Mapping[str, Any], end: Mapping[str, Any]) -> bool:
        """Whether a position without rows is worth storing: so that the server may drop the WAL of other tables."""
        return bool(end["lsn"] > own["lsn"]) and time.monotonic() - self.told_at >= ADVANCE_S

    def _on_timeline(self, own: Mapping[str, Any], state: ServerState) -> Position:
        """The position on a server that was promoted. Raises RequestError where it does not have all that was sent: its places
        after that are of other transactions."""
        switch = self.slots.switched_at(own["timeline"])
        if switch is None or own["lsn"] > switch or own["rows"]:
            raise RequestError(
                "the server was promoted, and may lack transactions that were sent already, so the cursor says nothing here",
                where=self.slots.place,
                remedy=START_AGAIN,
            )
        return {**own, "timeline": state.timeline}

    def _watch(self, own: Mapping[str, Any], state: ServerState) -> None:
        """Raises RequestError where the slot is lost, and where it keeps too much and is dropped for that."""
        slot = state.require(own, self.published, self.slots.place)
        self.fault = over_limit(slot, self.wal.limit)
        if self.fault is None or self.wal.exceeded != "drop" or slot.kept_bytes <= self.wal.limit:
            return
        self.reader.end()
        self.slots.drop(slot.name)
        raise RequestError(
            f"{self.fault}: it was dropped, as `wal` of the export says, and rows that were written since are missing",
            where=self.slots.place,
            remedy=START_AGAIN,
        )

    def _since(self, ids: list[str], since: str | None) -> list[str]:
        """Without rows whose time is before the stream's start."""
        if not since or not ids:
            return ids
        start = datetime.fromisoformat(since)
        kept = self.database.ask(lambda connection: self.table.since(connection, ids, start))
        return [id for id in ids if id in kept]


def _joined(
    own: Mapping[str, Any], pieces: Sequence[Piece], reached: int | None
) -> tuple[list[str], dict[str, Any]]:
    """The ids of the pieces, and the position after them."""
    lsn, rows = int(own["lsn"]), int(own["rows"])
    for piece in pieces:
        lsn, rows = (lsn, rows + len(piece.ids)) if piece.end is None else (piece.end, 0)
    if reached is not None and reached > lsn:
        lsn, rows = reached, 0
    return [id for piece in pieces for id in piece.ids], {**own, "lsn": lsn, "rows": rows}
