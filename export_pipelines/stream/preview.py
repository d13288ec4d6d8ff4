"""The first rows of an export as they would be written, masks and all."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from export_pipelines.plan.plan import Plan
from export_pipelines.stream import mask
from export_pipelines.stream.encode_delimited import DelimitedEncoder
from export_pipelines.stream.keys import Keys


@dataclass(frozen=True)
class Preview:
    """Headers and rows in CSV's spelling; null is the empty text."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def preview(plan: Plan, batches: Iterable[pa.RecordBatch], keys: Keys, rows: int = 20) -> Preview:
    """The first `rows` rows of `batches` under a whole `plan`."""
    assert plan.masking
    frames: list[pl.DataFrame] = []
    missing = rows
    for batch in batches:
        frames.append(mask.apply(plan, batch.slice(0, missing), keys)[0])
        missing -= len(frames[-1])
        if missing <= 0:
            break
    columns = plan.masking.columns
    encoder = DelimitedEncoder(",", columns, {})
    text = b"".join(encoder.encode(frame, first=False) for frame in frames).decode()
    lines = csv.reader(text.splitlines(keepends=True))
    return Preview(tuple(column.header for column in columns), tuple(tuple(line) for line in lines))
