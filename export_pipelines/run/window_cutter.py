"""Rows that come in the order of their windows are cut at the windows' edges: what one pass reads becomes the batches of each."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from export_pipelines.errors import DataError
from export_pipelines.plan.plan import Plan, Window
from export_pipelines.plan.query.query import Query
from export_pipelines.read.source import OutOfOrder, Source
from export_pipelines.run.channel import Channel, Stop, Stopped, credit
from export_pipelines.transform.casts import conform

# of a window at most, put together of smaller ones of the source; a mask makes long texts of short ones
BATCH_BYTES, BATCH_CELLS = 10 << 20, 600_000

Milliseconds = npt.NDArray[np.int64]


class WindowRows(Iterator[pa.RecordBatch]):
    """The batches of one window, as `plan` has them, taken in one thread and put in another, to which the time of reading them
    is credited. About `expected` rows come, 0 where nobody knows. Ends with the error that the reading ended with.

    A batch is taken before the next is read: a window is often one, and windows that wait would have no bound."""

    def __init__(self, plan: Plan, expected: int = 0) -> None:
        self.plan, self.expected = plan, expected
        self.error: BaseException | None = None
        self._left = Stop()
        self._batches = Channel[tuple[pa.RecordBatch, float]](self._left)
        self._names = [column.name for column in plan.query.columns]
        self._pieces: list[pa.RecordBatch] = []
        self._rows = 0  # of the pieces
        self._seconds = 0.0

    def __next__(self) -> pa.RecordBatch:
        try:
            batch, seconds = next(self._batches)
        except StopIteration:
            if self.error is not None:
                raise self.error from None
            raise
        credit(seconds)
        return batch

    def put(self, piece: pa.RecordBatch, seconds: float, most: int) -> None:
        """Gives a piece that took `seconds` to read, in batches with others, of at most `most` rows. Waits until there is room;
        harmless when nobody takes it any more."""
        size, piece = self._size(most), piece.select(self._names)
        self._seconds += seconds
        while piece.num_rows:
            part = piece.slice(0, max(size - self._rows, 0))
            self._pieces.append(part)
            self._rows += part.num_rows
            piece = piece.slice(part.num_rows)
            if self._rows >= size:
                self._hand_over()

    def _size(self, most: int) -> int:
        """Rows of a batch. Each batch of masked columns costs as much as some thousand rows, so those of the window are few, and
        alike."""
        if self.expected <= most:
            return most
        batches = -(-self.expected // most)
        return -(-self.expected // batches)

    def _hand_over(self) -> None:
        pieces, seconds = self._pieces, self._seconds
        self._pieces, self._rows, self._seconds = [], 0, 0.0
        if pieces and not self._left.is_set():
            batch = pieces[0] if len(pieces) == 1 else pa.concat_batches(pieces)
            del pieces
            with suppress(Stopped):
                self._batches.put((batch, seconds))

    def end(self, error: BaseException | None = None) -> None:
        """No more batches are put."""
        if error is None:
            self._hand_over()
        self.error = error
        self._batches.close()

    def leave(self) -> None:
        """No more batches are taken."""
        self._left.set()


class Reading:
    """One pass over `source`: `run` gives each of `windows`, which follow one another, the rows of `query` whose `field` lies in
    it. `begun` is set when the first rows have come, or the end.

    What ends the reading, OutOfOrder among it, is the error of the windows whose rows had not all come.
    """

    def __init__(self, source: Source, query: Query, field: str, windows: Sequence[WindowRows]) -> None:
        self.source, self.query, self.windows = source, query, windows
        self.begun = threading.Event()
        self._stop = Stop()
        self._cutter = _Cutter(query, field, windows)

    def run(self) -> None:
        error: BaseException | None = None
        try:
            self._read()
        except BaseException as caught:
            error = caught
        for rows in self.windows[self._cutter.current :]:
            rows.end(error)
        self.begun.set()

    def stop(self) -> None:
        """Ends the reading and the taking soon."""
        self._stop.set()
        for rows in self.windows:
            rows.leave()

    def _read(self) -> None:
        began = time.perf_counter()
        with closing(self.source.read(self.query)) as batches:  # type: ignore[type-var]
            for batch in batches:
                seconds = time.perf_counter() - began
                by_bytes = batch.num_rows * BATCH_BYTES // (batch.nbytes or 1)
                most = max(1, min(by_bytes, BATCH_CELLS // batch.num_columns))
                cuts = self._cutter.cuts(batch)
                self.begun.set()
                for rows, piece in cuts:
                    rows.put(piece, seconds * piece.num_rows / batch.num_rows, most)
                if self._stop.is_set():
                    raise Stopped
                began = time.perf_counter()


class _Cutter:
    """`current` is the number of the window whose rows come."""

    def __init__(self, query: Query, field: str, windows: Sequence[WindowRows]) -> None:
        (self.column,) = (column for column in query.columns if column.name == field)
        self.windows, self.current = windows, 0
        self.ends = [_milliseconds(_window(rows).end) for rows in windows]
        self.last = _milliseconds(_window(windows[0]).start)

    def cuts(self, batch: pa.RecordBatch) -> Iterator[tuple[WindowRows, pa.RecordBatch]]:
        """The pieces of a batch with their windows; a window is over when rows of the next come. Raises OutOfOrder at once."""
        return self._pieces(batch, self._times(batch))

    def _pieces(
        self, batch: pa.RecordBatch, times: Milliseconds
    ) -> Iterator[tuple[WindowRows, pa.RecordBatch]]:
        start = 0
        while start < len(times):
            end = int(np.searchsorted(times, self.ends[self.current]))
            if end > start:
                yield self.windows[self.current], batch.slice(start, end - start)
                start = end
            if start < len(times):
                self.windows[self.current].end()
                self.current += 1

    def _times(self, batch: pa.RecordBatch) -> Milliseconds:
        """The times of a batch. Raises OutOfOrder unless they follow those before and lie in the windows."""
        try:
            values = conform(batch, (self.column,))[self.column.name]
        except DataError as error:
            raise OutOfOrder("a stored value is no time") from error
        if values.null_count():
            raise OutOfOrder("a row has no time")
        times = values.to_physical().to_numpy()
        if len(times) and (
            times[0] < self.last or times[-1] >= self.ends[-1] or bool((times[1:] < times[:-1]).any())
        ):
            raise OutOfOrder("rows are not sorted by time")
        self.last = int(times[-1]) if len(times) else self.last
        return times


def _window(rows: WindowRows) -> Window:
    return rows.plan.extract.window


def _milliseconds(moment: datetime) -> int:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
