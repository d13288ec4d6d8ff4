"""Pieces of the rows are read at the same time and given in their order, in constant memory."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from contextvars import copy_context
from dataclasses import dataclass, field
from threading import Condition
from typing import Generic, TypeVar

import pyarrow as pa

from export_pipelines.errors import RetryableError
from export_pipelines.interrupts import cancelled_by

CANCEL_S = 0.2  # between two tries to stop a query that may have begun after the first
P = TypeVar("P")
Reader = Callable[[P], Iterator[pa.RecordBatch]]


class _Stopped(Exception):
    """Nobody takes batches any more."""


@dataclass
class _Piece(Generic[P]):
    """What one reader reads: the batches that wait to be taken, and how reading them ended. It has no `content` where that
    could not be had, as `error` says."""

    content: P | None
    batches: deque[pa.RecordBatch] = field(default_factory=deque)
    bytes: int = 0
    is_whole: bool = False
    error: BaseException | None = None


class _Pieces(Generic[P]):
    """The pieces that are being read or wait to be given, the first first; at most `most` of them, each with at most
    `piece_bytes` that wait, or one batch."""

    def __init__(self, next_piece: Callable[[], P | None], most: int, piece_bytes: int) -> None:
        self._next_piece, self._most, self._piece_bytes = next_piece, most, piece_bytes
        self._pieces: deque[_Piece[P]] = deque()
        self._is_last = self._is_stopped = False
        self._changed = Condition()

    def stop(self) -> None:
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def read(self, reader: Reader[P]) -> None:
        """Reads one piece after the other, in the caller's thread. An error ends it, and waits for its turn."""
        while (piece := self._begun()) is not None and piece.content is not None:
            try:
                with closing(reader(piece.content)) as batches:  # type: ignore[type-var]
                    for batch in batches:
                        self._put(piece, batch)
                        del batch
            except BaseException as error:
                piece.error = error
            self._end(piece)

    def in_turn(self) -> Iterator[pa.RecordBatch]:
        """The batches of all pieces, in order. Raises what a reader raised, RetryableError when they were stopped."""
        while (batch := self._next_batch()) is not None:
            yield batch
            del batch  # else it would be in memory until the next has come

    def _begun(self) -> _Piece[P] | None:
        """The next piece, once there is room for it; None when there is no other."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._is_stopped or self._is_last or len(self._pieces) < self._most
            )
            if self._is_stopped or self._is_last:
                return None
            piece = self._cut()
            self._is_last = piece is None or piece.is_whole
            self._changed.notify_all()
            if piece is not None:
                self._pieces.append(piece)
            return piece

    def _cut(self) -> _Piece[P] | None:
        """The next piece; one that is over where it cannot be had. None when there is no other."""
        try:
            content = self._next_piece()
        except BaseException as error:
            return _Piece(None, is_whole=True, error=error)
        return None if content is None else _Piece(content)

    def _put(self, piece: _Piece[P], batch: pa.RecordBatch) -> None:
        size = batch.nbytes
        with self._changed:
            self._changed.wait_for(
                lambda: self._is_stopped or not piece.bytes or piece.bytes + size <= self._piece_bytes
            )
            if self._is_stopped:
                raise _Stopped
            piece.batches.append(batch)
            piece.bytes += size
            self._changed.notify_all()

    def _end(self, piece: _Piece[P]) -> None:
        with self._changed:
            piece.is_whole = True
            self._is_last = self._is_last or piece.error is not None
            self._changed.notify_all()

    def _next_batch(self) -> pa.RecordBatch | None:
        with self._changed:
            while True:
                self._changed.wait_for(self._has_news)
                if self._is_stopped:
                    raise RetryableError("reading was interrupted; nothing was kept", remedy="run it again")
                if not self._pieces:
                    return None
                first = self._pieces[0]
                self._changed.notify_all()
                if first.batches:
                    batch = first.batches.popleft()
                    first.bytes -= batch.nbytes
                    return batch
                self._pieces.popleft()
                if first.error is not None:
                    raise first.error

    def _has_news(self) -> bool:
        if self._is_stopped or not self._pieces:
            return self._is_stopped or self._is_last
        return bool(self._pieces[0].batches) or self._pieces[0].is_whole


def in_order(
    readers: Sequence[Reader[P]],
    next_piece: Callable[[], P | None],
    cancel: Callable[[], None],
    piece_bytes: int,
) -> Iterator[pa.RecordBatch]:
    """The batches of each piece after those of the piece before.

    Each reader has a thread of its own. `next_piece` is called by one of them at a time and gives None after the last;
    at most as many pieces as there are readers are begun and not yet given. `cancel` makes the readers give up, and may be
    called more than once. When this ends, however it ends, no thread is left.

    Raises what a reader or `next_piece` raised, when its piece is the next; RetryableError after an interrupt.
    """
    pieces = _Pieces(next_piece, len(readers), piece_bytes)

    def stop() -> None:
        pieces.stop()
        cancel()

    with cancelled_by(stop), ThreadPoolExecutor(len(readers), thread_name_prefix="read") as pool:
        working = [pool.submit(copy_context().run, pieces.read, reader) for reader in readers]
        try:
            yield from pieces.in_turn()
        finally:
            pieces.stop()
            patience = 0.0
            while wait(working, patience).not_done:
                cancel()
                patience = CANCEL_S
