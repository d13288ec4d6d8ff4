"""The first rows of an export as they would be written, masks and all."""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from export_pipelines.plan.plan import Plan
from export_pipelines.stream import mask
from export_pipelines.stream.encode_delimited import DelimitedEncoder
from export_pipelines.stream.keys import Keys
from export_pipelines.stream.report import settle


@dataclass(frozen=True)
class Preview:
    """Headers and rows in CSV's spelling, without its quotes; null is the null marker, else the empty text."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def preview(plan: Plan, batches: Iterable[pa.RecordBatch], keys: Keys, rows: int = 20) -> Preview:
    """The first `rows` rows of `batches` under a whole `plan`. Closes `batches`, read or not."""
    reading = iter(batches)
    try:
        plan, settled = settle(plan, reading)
        assert plan.masking and plan.encoding
        columns, keys = plan.masking.columns, keys.of_plan(plan.masking.key_ids)
        encoder = DelimitedEncoder(",", columns, plan.encoding.options)
        lines: list[tuple[str, ...]] = []
        made = iter(settled)
        while len(lines) < rows and (batch := next(made, None)) is not None:
            frame = mask.apply(plan, batch.slice(0, rows - len(lines)), keys).frame
            lines.extend(encoder.spelled(frame).fill_null(pl.lit(encoder.null_marker)).rows())
    finally:
        close = getattr(reading, "close", None)
        if close:
            close()
    return Preview(tuple(column.header for column in columns), tuple(lines))
