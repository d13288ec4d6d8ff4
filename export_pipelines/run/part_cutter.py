"""Frames become the pieces of parts: where a part begins, its bytes before compression, where it ends."""

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass

import polars as pl

from export_pipelines.encode.encoder import Encoder
from export_pipelines.encode.regroup import Regroup

ENCODED_CELLS = 120_000  # at once, which an encoder holds several times; 50,000 fewer take 7 to 37 MB less, and 7 % more time
NEARLY_FULL = 0.05  # a part cut by bytes is closed when less than this share of it is free
CUT_ROWS = 8_192  # of one step of a part cut by bytes: where it ends must not depend on the source's batches


@dataclass(frozen=True)
class Begin:
    name: str


@dataclass(frozen=True)
class Encoded:
    """Bytes that go on with a part; `rows` of them are in it from now on, though an encoder may keep back their bytes."""

    rows: int
    data: bytes


@dataclass(frozen=True)
class Drain:
    """Asks that all before it be stored; the size of the part so far is the answer."""


@dataclass(frozen=True)
class Finish:
    pass


Piece = Begin | Encoded | Drain | Finish  # of a part: Begin, Encoded and Drain as often as needed, Finish


@dataclass(frozen=True)
class PartSize:
    """What a part holds at most, None: any number. `held_bytes` of `bytes` are left free for what a codec adds later."""

    rows: int | None = None
    bytes: int | None = None
    held_bytes: int = 0


class PartCutter:
    """Cuts frames, however long, into parts of at most `size`, named by their number from 1, or after the parts `before`;
    rows keep their order.

    A part that is cut by bytes asks with Drain, and takes the answer from `stored`. `never_none`: without a single row there
    is one part, which says so.
    """

    def __init__(
        self,
        encoder: Encoder,
        size: PartSize,
        name: Callable[[int], str],
        stored: Iterator[int],
        never_none: bool,
        before: int = 0,
    ) -> None:
        self.encoder, self.size, self.name = encoder, size, name
        self.stored, self.never_none = stored, never_none
        self._number, self._rows = before, 0
        self._open = False

    def cut(self, frames: Iterable[pl.DataFrame]) -> Iterator[Piece]:
        """The last part ends with the last frame."""
        for step in self._steps(frames):
            yield from self._write(step)
        if self._number == 0 and self.never_none:
            yield from self._begin()
        if self._open:
            yield from self._end()

    def _steps(self, frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """What is encoded at once."""
        if self.size.bytes is None:
            for frame in frames:
                yield from frame.iter_slices(max(1, ENCODED_CELLS // frame.width))
            return
        regroup = Regroup(CUT_ROWS)
        for frame in frames:
            yield from regroup.push(frame)
        yield from regroup.remainder()

    def _write(self, frame: pl.DataFrame) -> Iterator[Piece]:
        """Cuts the frame where a part is full."""
        while len(frame):
            if not self._open:
                yield from self._begin()
            rows = yield from self._fill(frame)
            self._rows += rows
            frame = frame[rows:]
            if not rows or self._rows == self.size.rows:
                yield from self._end()

    def _fill(self, frame: pl.DataFrame) -> Generator[Piece, None, int]:
        """Encodes the rows of `frame` that the open part still takes; returns how many they were."""
        first = self._rows == 0
        if self.size.rows is not None:
            frame = frame[: self.size.rows - self._rows]
        if self.size.bytes is None:
            yield Encoded(len(frame), self.encoder.encode(frame, first))
            return len(frame)
        yield Drain()
        free = self.size.bytes - next(self.stored) - self.size.held_bytes
        if not first and free < NEARLY_FULL * self.size.bytes:
            return 0
        rows, data = self.encoder.fit(frame, first, free)
        yield Encoded(rows, data)
        return rows

    def _begin(self) -> Iterator[Piece]:
        self._number, self._rows, self._open = self._number + 1, 0, True
        yield Begin(self.name(self._number))
        yield Encoded(0, self.encoder.begin())

    def _end(self) -> Iterator[Piece]:
        yield Encoded(0, self.encoder.end(self._rows == 0))
        yield Finish()
        self._open = False
