"""Executes a plan: batches in, finished parts out, in one pass of four threads and constant memory."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import polars as pl
import pyarrow as pa

from export_pipelines import mask
from export_pipelines.encode.compress import codec_of, held_bytes
from export_pipelines.encode.encoder import CellCounts, Encoder
from export_pipelines.encode.encoders import demand_fitting, encoder_of
from export_pipelines.encode.regroup import Regroup
from export_pipelines.errors import LimitReached
from export_pipelines.mask.keys import Keys
from export_pipelines.plan.limits import demand_room
from export_pipelines.plan.naming import part_file_name
from export_pipelines.plan.plan import OutputColumn, Plan
from export_pipelines.run.channel import Channel, Stopped
from export_pipelines.run.part_writer import (
    Begin,
    Command,
    Drain,
    Finish,
    PartSink,
    PartWriter,
    WrittenPart,
)
from export_pipelines.transform.report.settle import settle

FRAMES_WAITING = 1  # besides the one that waits for room and the one that is encoded
CHUNKS_WAITING = 2
ENCODED_CELLS = 120_000  # at once, which an encoder holds several times; 50,000 fewer take 7 to 37 MB less, and 7 % more time
NEARLY_FULL = 0.05  # a part cut by bytes is closed when less than this share of it is free
CUT_ROWS = 8_192  # of one step of a part cut by bytes: where it ends must not depend on the source's batches


T = TypeVar("T")


@dataclass(frozen=True)
class Written:
    """What was written. `rows_read` came from the source, of which a report makes others; `columns` are those of the
    files; `null_required` counts nulls in required columns, `bad_json` by column the values that did not parse and became null; `seconds` is busy time by stage."""

    parts: tuple[WrittenPart, ...]
    rows: int
    rows_read: int
    columns: tuple[OutputColumn, ...]
    raw_bytes: int
    null_required: dict[str, int]
    bad_json: dict[str, int]
    masked_values: int
    cells: CellCounts
    seconds: dict[str, float]


def write_parts(
    plan: Plan,
    batches: Iterable[pa.RecordBatch],
    open_part: Callable[[str], PartSink],
    keys: Keys,
    progress: Callable[[int], None] | None = None,
) -> Written:
    """Executes a whole `plan` over `batches`; `progress` is told the rows so far.

    The first error of all threads is raised, after the others ended and the open part was aborted.
    Raises LimitReached when the plan's rows or bytes are exceeded, DataError for a value that does not fit its type.
    """
    _choose_memory()
    read = _Counted(batches)
    settled, rows = settle(plan, read)
    return _Run(settled, open_part, keys, progress or (lambda rows: None), read).execute(rows)


def _choose_memory() -> None:
    """Arrow's memory from jemalloc, where its build has that and nobody chose another: masked exports took 30 MB less, and
    needed not fetch large buffers from the system anew."""
    if "ARROW_DEFAULT_MEMORY_POOL" not in os.environ:
        with suppress(NotImplementedError):
            pa.set_memory_pool(pa.jemalloc_memory_pool())


class _Counted:
    """Batches as they come, and how many rows they held."""

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        self._batches, self.rows = batches, 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        batches = iter(self._batches)
        try:
            for batch in batches:
                self.rows += batch.num_rows
                yield batch
        finally:
            _close(batches)


def _close(batches: object) -> None:
    close = getattr(batches, "close", None)
    if close:
        close()


class _Run:
    def __init__(
        self,
        plan: Plan,
        open_part: Callable[[str], PartSink],
        keys: Keys,
        progress: Callable[[int], None],
        counted: _Counted,
    ) -> None:
        self.plan, self.output, self.progress = plan, plan.output, progress
        self.keys = keys.of_plan(plan.masking.key_ids)
        self.counted, self.columns = counted, plan.masking.columns
        self.stop = threading.Event()
        self.frames: Channel[Future[mask.Masked] | None] = Channel(FRAMES_WAITING, self.stop)
        self.masking = ThreadPoolExecutor(1, thread_name_prefix="mask")
        self.commands: Channel[Command] = Channel(CHUNKS_WAITING, self.stop)
        part_bytes = self.output.part_bytes
        codec = codec_of(plan.compression.codec, plan.compression.level, part_bytes)
        self.writer = PartWriter(self.commands, codec, open_part, flushing=part_bytes is not None)
        self.held = 0 if part_bytes is None else held_bytes(plan.compression.codec, part_bytes)
        self.regroup = None if part_bytes is None else Regroup(CUT_ROWS)
        self.encoder: Encoder = encoder_of(plan)
        self.number = self.rows = self.part_rows = self.raw_bytes = self.masked = 0
        self.bad_json: Counter[str] = Counter()
        self.open = False
        self.causes: list[BaseException] = []
        self.nulls = dict.fromkeys(plan.masking.required, 0)
        self.seconds = {"extract": 0.0, "mask": 0.0, "encode": 0.0, "store": 0.0}

    def execute(self, batches: Iterable[pa.RecordBatch]) -> Written:
        """The caller's thread only waits: an interrupt that came while Polars wrote would end as an error of its sink."""
        work = (lambda: self._read(iter(batches)), self.writer.run, self._encode_all)
        with self.masking, ThreadPoolExecutor(len(work), thread_name_prefix="export") as pool:
            all_of_it = [pool.submit(self._guarded, one) for one in work]
            failure: BaseException | None = None
            try:
                for one in all_of_it:
                    one.result()
            except BaseException as error:
                self.stop.set()
                failure = self.causes[0] if self.causes else error
        if failure is not None:
            raise failure
        self.seconds["store"] = self.writer.seconds
        return Written(
            parts=tuple(self.writer.parts),
            rows=self.rows,
            rows_read=self.counted.rows,
            columns=self.columns,
            raw_bytes=self.raw_bytes,
            null_required=self.nulls,
            bad_json=dict(self.bad_json),
            masked_values=self.masked,
            cells=self.encoder.counts,
            seconds={stage: round(seconds, 3) for stage, seconds in self.seconds.items()},
        )

    def _guarded(self, work: Callable[[], T]) -> T:
        """Stops all threads at the first error that is not itself the echo of a stop."""
        try:
            return work()
        except BaseException as error:
            if not isinstance(error, Stopped):
                self.causes.append(error)
            self.stop.set()
            raise

    def _read(self, batches: Iterator[pa.RecordBatch]) -> None:
        """In a thread of its own: the source is opened, read and closed here, since a database handle keeps to its thread."""
        try:
            while True:
                before = time.perf_counter()
                batch = next(batches, None)
                self.seconds["extract"] += time.perf_counter() - before
                self.frames.put(None if batch is None else self._masked_later(batch))
                if batch is None:
                    return
        finally:
            _close(batches)

    def _masked_later(self, batch: pa.RecordBatch) -> "Future[mask.Masked]":
        """In a thread of its own, batch after batch."""

        def work() -> mask.Masked:
            before = time.perf_counter()
            done = mask.apply(self.plan, batch, self.keys)
            demand_fitting(self.plan, done.frame, batch)
            self.seconds["mask"] += time.perf_counter() - before
            return done

        return self.masking.submit(self._guarded, work)

    def _encode_all(self) -> None:
        """Frames in the order in which they were read."""
        while (waiting := self.frames.get()) is not None:
            done = waiting.result()
            frame = done.frame
            self.masked += done.values
            self.bad_json += done.bad_json
            self._count(frame)
            for step in self._steps(frame):
                self._write(step)
            self.progress(self.rows)
        for step in self.regroup.rest() if self.regroup else ():
            self._write(step)
        if self.open:
            self._end_part()
        elif self.number == 0 and not self.output.skip_empty:
            self._begin_part()
            self._end_part()
        self.commands.put(None)

    def _steps(self, frame: pl.DataFrame) -> Iterable[pl.DataFrame]:
        """What is encoded at once."""
        if self.regroup:
            return self.regroup.push(frame)
        return frame.iter_slices(max(1, ENCODED_CELLS // frame.width))

    def _count(self, frame: pl.DataFrame) -> None:
        self.rows += len(frame)
        demand_room(self.plan, self.rows, writing=True)
        for id in self.nulls:
            self.nulls[id] += frame[id].null_count()

    def _write(self, frame: pl.DataFrame) -> None:
        """Cuts the frame where a part is full."""
        while len(frame):
            if not self.open:
                self._begin_part()
            rows, data = self._fitting(frame)
            self._send(data)
            self.part_rows += rows
            frame = frame[rows:]
            if not rows or self.part_rows == self.output.part_rows:
                self._end_part()

    def _fitting(self, frame: pl.DataFrame) -> tuple[int, bytes]:
        """How many rows of `frame` the open part still takes, and their bytes."""
        first = self.part_rows == 0
        if self.output.part_rows is not None:
            frame = frame[: self.output.part_rows - self.part_rows]
        if self.output.part_bytes is None:
            return len(frame), self._encoded(frame, first)
        free = self.output.part_bytes - self._stored() - self.held
        if not first and free < NEARLY_FULL * self.output.part_bytes:
            return 0, b""
        before = time.perf_counter()
        rows, data = self.encoder.fit(frame, first, free)
        self.seconds["encode"] += time.perf_counter() - before
        return rows, data

    def _encoded(self, frame: pl.DataFrame, first: bool) -> bytes:
        before = time.perf_counter()
        data = self.encoder.encode(frame, first)
        self.seconds["encode"] += time.perf_counter() - before
        return data

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
            raise LimitReached(
                f"more than {self.output.max_bytes:,} bytes before compression; the run was stopped and nothing was kept",
                where=self.plan.export,
                remedy="take a smaller window, filter more, choose fewer fields, or raise `limits: {bytes: ...}`",
            )
        if data:
            self.commands.put(data)
