"""Executes a plan: batches in, finished parts out, in one pass of three threads and constant memory."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from export_pipelines.errors import LimitReached
from export_pipelines.plan.naming import part_file_name
from export_pipelines.plan.plan import Plan
from export_pipelines.stream import mask
from export_pipelines.stream.channel import Channel, Stopped
from export_pipelines.stream.compress import HELD_BYTES, codec_of
from export_pipelines.stream.encoder import Encoder
from export_pipelines.stream.encoders import encoder_of
from export_pipelines.stream.keys import Keys
from export_pipelines.stream.part_writer import (
    Begin,
    Command,
    Drain,
    Finish,
    PartSink,
    PartWriter,
    WrittenPart,
)

BATCHES_WAITING = 2
CHUNKS_WAITING = 2
NEARLY_FULL = 0.05  # a part cut by bytes is closed when less than this share of it is free


@dataclass(frozen=True)
class Written:
    """What was written. `null_required` counts nulls in required columns; `seconds` is busy time by stage."""

    parts: tuple[WrittenPart, ...]
    rows: int
    raw_bytes: int
    null_required: dict[str, int]
    masked_values: int
    neutralised_cells: int
    seconds: dict[str, float]


def write_parts(
    plan: Plan,
    batches: Iterable[pa.RecordBatch],
    open_part: Callable[[str], PartSink],
    keys: Keys,
    progress: Callable[[int], None] | None = None,
) -> Written:
    """Executes a whole `plan` over `batches`; `progress` is told the rows so far.

    The first error of any of the three threads is raised, after the others ended and the open part was aborted.
    Raises LimitReached when the plan's rows or bytes are exceeded, DataError for a value that does not fit its type.
    """
    return _Run(plan, open_part, keys, progress or (lambda rows: None)).execute(batches)


class _Run:
    def __init__(
        self, plan: Plan, open_part: Callable[[str], PartSink], keys: Keys, progress: Callable[[int], None]
    ) -> None:
        assert plan.output and plan.compression and plan.masking
        self.plan, self.output, self.keys, self.progress = plan, plan.output, keys, progress
        self.stop = threading.Event()
        self.batches: Channel[pa.RecordBatch | None] = Channel(BATCHES_WAITING, self.stop)
        self.commands: Channel[Command] = Channel(CHUNKS_WAITING, self.stop)
        flushing = self.output.part_bytes is not None
        codec = codec_of(plan.compression.codec, plan.compression.level, flushing)
        self.writer = PartWriter(self.commands, codec, open_part, flushing)
        self.encoder: Encoder = encoder_of(plan)
        self.number = self.rows = self.part_rows = self.raw_bytes = self.masked = 0
        self.open = False
        self.nulls = dict.fromkeys(plan.required, 0)
        self.seconds = {"extract": 0.0, "encode": 0.0, "store": 0.0}

    def execute(self, batches: Iterable[pa.RecordBatch]) -> Written:
        with ThreadPoolExecutor(2, thread_name_prefix="export") as pool:
            reading = pool.submit(self._guarded, lambda: self._read(iter(batches)))
            storing = pool.submit(self._guarded, self.writer.run)
            try:
                self._encode_all()
                self.commands.put(None)
                reading.result()
                storing.result()
            except BaseException as error:
                self.stop.set()
                raise _first_cause(error, reading.exception(), storing.exception()) from None
        self.seconds["store"] = self.writer.seconds
        return Written(
            parts=tuple(self.writer.parts),
            rows=self.rows,
            raw_bytes=self.raw_bytes,
            null_required=self.nulls,
            masked_values=self.masked,
            neutralised_cells=self.encoder.neutralised,
            seconds={stage: round(seconds, 3) for stage, seconds in self.seconds.items()},
        )

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException:
            self.stop.set()
            raise

    def _read(self, batches: Iterator[pa.RecordBatch]) -> None:
        """The first thread. The source is opened, read and closed here, since a database handle keeps to its thread."""
        try:
            while True:
                before = time.perf_counter()
                batch = next(batches, None)
                self.seconds["extract"] += time.perf_counter() - before
                self.batches.put(batch)
                if batch is None:
                    return
        finally:
            close = getattr(batches, "close", None)
            if close:
                close()

    def _encode_all(self) -> None:
        while (batch := self.batches.get()) is not None:
            before = time.perf_counter()
            frame, masked = mask.apply(self.plan, batch, self.keys)
            self.masked += masked
            self._count(frame)
            self.seconds["encode"] += time.perf_counter() - before
            self._write(frame)
            self.progress(self.rows)
        if self.open:
            self._end_part()
        elif self.number == 0 and not self.output.skip_empty:
            self._begin_part()
            self._end_part()

    def _count(self, frame: pl.DataFrame) -> None:
        self.rows += len(frame)
        if self.rows > self.output.max_rows:
            raise self._limit(f"more than {self.output.max_rows:,} rows", "rows")
        for id in self.nulls:
            self.nulls[id] += frame[id].null_count()

    def _write(self, frame: pl.DataFrame) -> None:
        """Cuts the frame where a part is full."""
        while len(frame):
            if not self.open:
                self._begin_part()
            fits = self._fitting(frame)
            if fits:
                before = time.perf_counter()
                data = self.encoder.encode(frame[:fits], self.part_rows == 0)
                self.seconds["encode"] += time.perf_counter() - before
                self._send(data)
                self.part_rows += fits
                frame = frame[fits:]
            if not fits or self.part_rows == self.output.part_rows:
                self._end_part()

    def _fitting(self, frame: pl.DataFrame) -> int:
        """Rows of `frame` that the open part still takes; a part takes at least one."""
        rows = len(frame)
        if self.output.part_rows is not None:
            rows = min(rows, self.output.part_rows - self.part_rows)
        if self.output.part_bytes is None:
            return rows
        free = self.output.part_bytes - self._stored() - HELD_BYTES
        if self.part_rows and free < NEARLY_FULL * self.output.part_bytes:
            return 0
        while rows and (size := self.encoder.measure(frame[:rows])) > free:
            rows = min(rows - 1, int(rows * max(free, 0) / size))
        return rows if self.part_rows else max(rows, 1)

    def _stored(self) -> int:
        """Bytes of the open part that are stored, once all that was sent has been."""
        done = threading.Event()
        self.commands.put(Drain(done))
        while not done.wait(0.1):
            if self.stop.is_set():
                raise Stopped
        return self.writer.stored

    def _begin_part(self) -> None:
        self.number, self.part_rows, self.open = self.number + 1, 0, True
        self.commands.put(Begin(part_file_name(self.plan, self.number)))
        self._send(self.encoder.begin())

    def _end_part(self) -> None:
        self._send(self.encoder.end(self.part_rows == 0))
        self.commands.put(Finish(self.part_rows))
        self.open = False

    def _send(self, data: bytes) -> None:
        self.raw_bytes += len(data)
        if self.raw_bytes > self.output.max_bytes:
            raise self._limit(f"more than {self.output.max_bytes:,} bytes before compression", "bytes")
        if data:
            self.commands.put(data)

    def _limit(self, what: str, key: str) -> LimitReached:
        return LimitReached(
            f"{what}; the run was stopped and nothing was kept",
            where=self.plan.export,
            remedy=f"take a smaller window, filter more, choose fewer fields, or raise `limits: {{{key}: ...}}`",
        )


def _first_cause(*errors: BaseException | None) -> BaseException:
    """The error that stopped the run: the one that is not itself the echo of a stop."""
    causes = [error for error in errors if error is not None]
    return next((error for error in causes if not isinstance(error, Stopped)), causes[0])
