"""Executes a plan: batches in, finished parts out, in one pass of four threads and constant memory."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa

from export_pipelines.encode.compress import codec_of, held_bytes
from export_pipelines.encode.encoder import Encoder
from export_pipelines.encode.encoders import encoder_of
from export_pipelines.mask.keys import Keys
from export_pipelines.plan.plan import Plan
from export_pipelines.plan.window_words import part_file_name
from export_pipelines.run.channel import Channel
from export_pipelines.run.checkpoints import Checkpoints
from export_pipelines.run.limits import limited_bytes, limited_rows
from export_pipelines.run.masked_frames import masked_frames
from export_pipelines.run.memory import choose_memory
from export_pipelines.run.observer import Deaf, Observer
from export_pipelines.run.part_cutter import Encoded, PartCutter, PartSize, Piece
from export_pipelines.run.part_writer import PartSink, PartWriter, WrittenPart
from export_pipelines.run.stages import Size, Stages, StagesInTurn
from export_pipelines.run.statistics import Statistics, Written
from export_pipelines.transform.report.finish import finish_report

if TYPE_CHECKING:
    from export_pipelines.run.changes.compare import Comparison

PIECES_WAITING = 2

OpenPart = Callable[[str], PartSink]


def write_parts(
    plan: Plan,
    batches: Iterable[pa.RecordBatch],
    open_part: OpenPart,
    keys: Keys,
    observer: Observer | None = None,
    comparison: "Comparison | None" = None,
    checkpoints: Checkpoints | None = None,
    few_rows: bool = False,
) -> Written:
    """Executes a whole `plan` over `batches`; `observer` hears of each batch of a stage, and of each part. With a `comparison`
    only what has changed is written; with `checkpoints` it goes on after the parts that an earlier run has finished. `few_rows`:
    they go through all stages in the caller's thread, which is then no main thread that hears of interrupts.

    The first error of all threads is raised, after the others ended and the open part was aborted.
    Raises LimitReached when the plan's rows or bytes are exceeded, DataError for a value that does not fit its type.
    """
    choose_memory()
    observer = observer or Deaf()
    statistics = Statistics()
    plan, rows = finish_report(plan, statistics.read(batches))
    statistics.expect(plan.masking.columns)
    stages, encoder = StagesInTurn(observer) if few_rows else Stages(observer), encoder_of(plan)
    stored = Channel[int](stages.stop, waiting=1)
    begun = checkpoints.begun if checkpoints else None
    cutter = _cutter(plan, encoder, stored, len(begun.parts) if begun else 0)
    writer = _writer(plan, open_part, stored)
    keys = keys.of_plan(plan.masking.key_ids)

    counted: Callable[[pl.DataFrame], pl.DataFrame] = statistics.output
    if checkpoints:
        checkpoints.restore(statistics, encoder.counts)
        rows, counted = checkpoints.aligned(rows), checkpoints.counting(statistics)
    read = stages.add("extract", rows, _size_of_batch)
    masked = masked_frames(plan, read, keys, statistics.shown)
    masked = limited_rows(plan, masked, begun.rows if begun else 0)
    if comparison is None:
        output = stages.add("mask", map(counted, masked), _size_of_frame)
    else:
        compared = comparison.changes(stages.add("mask", masked, _size_of_frame))
        output = stages.add("compare", map(counted, compared), _size_of_frame)
    pieces = limited_bytes(plan, cutter.cut(output), begun.raw_bytes if begun else 0)
    if checkpoints:
        pieces = checkpoints.ending(pieces, encoder.counts)
    encoded = stages.add("encode", pieces, _size_of_piece, PIECES_WAITING)
    written = stages.add("store", writer.write(encoded), _size_of_part)

    parts = list(begun.parts) if begun else []
    with closing(stages.run(written)) as finished:
        for part in finished:
            parts.append(part)
            if checkpoints:
                checkpoints.done(part)
            observer.part_done(part)
    return statistics.written(parts, encoder.counts, stages.seconds)


def _cutter(plan: Plan, encoder: Encoder, stored: Iterator[int], before: int) -> PartCutter:
    assert plan.output and plan.compression
    part_bytes = plan.output.part_bytes
    buffered = held_bytes(plan.compression.codec, part_bytes) if part_bytes is not None else 0
    size = PartSize(plan.output.part_rows, part_bytes, buffered)
    name = partial(part_file_name, plan)
    return PartCutter(encoder, size, name, stored, never_none=not plan.output.skip_empty, before=before)


def _writer(plan: Plan, open_part: OpenPart, stored: Channel[int]) -> PartWriter:
    assert plan.output and plan.compression
    part_bytes = plan.output.part_bytes
    codec = codec_of(plan.compression.codec, plan.compression.level, part_bytes)
    return PartWriter(codec, open_part, stored.put, flushing=part_bytes is not None)


def _size_of_batch(batch: pa.RecordBatch) -> Size:
    return batch.num_rows, batch.nbytes


def _size_of_frame(frame: pl.DataFrame) -> Size:
    return len(frame), int(frame.estimated_size())


def _size_of_piece(piece: Piece) -> Size:
    return (piece.rows, len(piece.data)) if isinstance(piece, Encoded) else (0, 0)


def _size_of_part(part: WrittenPart) -> Size:
    return part.rows, part.bytes
