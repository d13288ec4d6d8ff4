"""What a replication slot tells, peek by peek and transaction by transaction: a large one is never in memory as a whole."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from export_pipelines.streaming.horizons.by_id import MOST_IDS
from export_pipelines.streaming.horizons.pgoutput import Piece, Watched, pieces
from export_pipelines.streaming.horizons.rows import retryable
from export_pipelines.streaming.horizons.slot_checks import Published
from export_pipelines.streaming.horizons.slot_state import ServerState
from export_pipelines.streaming.horizons.slots import Slots, lsn_text
from export_pipelines.streaming.horizons.snapshot_text import Snapshot

if TYPE_CHECKING:
    import psycopg

STEP_BYTES = 256 * 2**20  # of WAL that one peek goes through
QUICK_S, LONGEST_PAUSE_S = 1.0, 10.0
SOON_S = 0.1
FETCHED = 2_000  # messages at a time
PEEK = "SELECT data FROM pg_logical_slot_peek_binary_changes(%s, %s, NULL, 'proto_version', '1', 'publication_names', %s)"


class SlotChanges:
    """What comes after the place `lsn` and the first `rows` ids of the next transaction, up to the LSN `upto`: the transactions
    that began to commit before it. `next` is the piece to be taken, None where there is none. Until it `is_over`, a transaction of
    the connection stays open."""

    def __init__(
        self, connection: "psycopg.Connection[Any]", slot: str, publication: str, watched: Watched,
        lsn: int, rows: int, upto: int, most: int,
    ) -> None:  # fmt: skip
        self.lsn, self.rows, self.upto = lsn, rows, upto
        self.cursor = connection.cursor("changes", binary=True, withhold=True)
        name = '"' + publication.replace('"', '""') + '"'
        self._pieces = _unsent(pieces(self._messages((slot, lsn_text(upto), name)), watched, most), lsn, rows)
        self.next = next(self._pieces, None)

    def take(self) -> Piece:
        """The next piece, behind which the place is then."""
        piece = self.next
        assert piece is not None
        if piece.end is None:
            self.rows += len(piece.ids)
        else:
            self.lsn, self.rows = piece.end, 0
        self.next = next(self._pieces, None)
        return piece

    def close(self) -> None:
        self.cursor.close()

    def _messages(self, parameters: tuple[str, str, str]) -> Iterator[bytes]:
        self.cursor.execute(PEEK, parameters)
        while rows := self.cursor.fetchmany(FETCHED):
            for (data,) in rows:
                yield data


def _unsent(changes: Iterable[Piece], lsn: int, rows: int) -> Iterator[Piece]:
    """Without transactions that committed before `lsn`, and without the first `rows` ids of the next one."""
    for piece in changes:
        if piece.commit < lsn:
            continue
        ids, rows = piece.ids[rows:], max(0, rows - len(piece.ids))
        if piece.end is not None:
            rows = 0
        if ids or piece.end is not None:
            yield Piece(piece.xid, piece.commit, ids, piece.end)


class SlotReader:
    """Reads on from position to position, over a connection of its own. `watched` is the table as the server calls it."""

    def __init__(self, slots: Slots, published: Published) -> None:
        self.slots, self.published = slots, published
        self.watched: Watched | None = None
        self.changes: SlotChanges | None = None
        self.connection: psycopg.Connection[Any] | None = None
        self.seen = (-1, -1)  # a position after which nothing comes up to an LSN
        self.ended_at = self.took_s = 0.0  # the last peek

    def next_pieces(self, own: Mapping[str, Any], state: ServerState) -> tuple[list[Piece], bool, int | None]:
        """What comes after the position and is visible, as much as a span takes; whether that is all that was written down, and
        the LSN up to which nothing is left, None where something is."""
        place = (int(own["lsn"]), int(own["rows"]))
        if self.changes is None or (self.changes.lsn, self.changes.rows) != place:
            self.end()
            if place[0] >= state.flushed or self.seen == (place[0], state.flushed):
                return [], True, max(place[0], state.flushed)
            self._peek(own, min(state.flushed, place[0] + STEP_BYTES))
        changes, taken = self.changes, list[Piece]()
        assert changes is not None
        # after the peek: a transaction is in the WAL before it is visible
        shown = Snapshot.read(self.slots.rows("SELECT pg_current_snapshot()::text")[0][0])
        room = MOST_IDS
        while changes.next is not None:
            if not shown.shows(changes.next.xid):
                if not taken:
                    time.sleep(SOON_S)
                return taken, False, None
            if taken and len(changes.next.ids) > room:
                return taken, False, None
            with self._reading():
                taken.append(changes.take())
            room -= len(taken[-1].ids)
        self.end()
        is_whole = changes.upto == state.flushed
        if is_whole and not taken:
            self.seen = (place[0], state.flushed)
        return taken, is_whole, max(changes.upto, changes.lsn)

    def _peek(self, own: Mapping[str, Any], upto: int) -> None:
        """After one that was not quick, half of the time is left to others: the server reads its WAL again from where the oldest
        transaction that is open began."""
        pause = min(self.took_s, LONGEST_PAUSE_S) - (time.monotonic() - self.ended_at)
        if self.took_s > QUICK_S and pause > 0:
            time.sleep(pause)
        if self.watched is None:
            self.watched = self.published.watched(self.slots)
        began = time.monotonic()
        with self._reading():
            if self.connection is None:
                self.connection = self.slots.server.connected()
                self.connection.autocommit = True  # the transaction of a peek ends with its statement
            self.changes = SlotChanges(
                self.connection, own["slot"], self.published.publication, self.watched,
                int(own["lsn"]), int(own["rows"]), upto, MOST_IDS,
            )  # fmt: skip
        self.ended_at = time.monotonic()
        self.took_s = self.ended_at - began

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """The driver's faults as errors that a person can act on; the next look then peeks anew."""
        import psycopg

        try:
            with retryable():
                yield
        except psycopg.Error as error:
            self.close()
            raise self.slots.failure(error) from error
        except Exception:
            self.close()
            raise

    def end(self) -> None:
        """Ends the peek in hand."""
        changes, self.changes = self.changes, None
        if changes is not None:
            with self._reading():
                changes.close()

    def close(self) -> None:
        self.changes, connection, self.connection = None, self.connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()
