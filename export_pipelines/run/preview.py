"""The first rows of an export as they would be written, masks and all."""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from export_pipelines import mask
from export_pipelines.encode.delimited import DelimitedEncoder
from export_pipelines.mask.keys import Keys
from export_pipelines.plan.plan import OutputColumn, Plan
from export_pipelines.transform.report.finish import finish_report
from export_pipelines.transform.schema import polars_type


@dataclass(frozen=True)
class Preview:
    """Headers and rows in CSV's spelling, without its quotes; null is the null marker, else the empty text."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    columns: tuple[OutputColumn, ...] = ()


def preview(plan: Plan, batches: Iterable[pa.RecordBatch], keys: Keys, rows: int = 20) -> Preview:
    """The first `rows` rows of `batches` under a whole `plan`. Closes `batches`, read or not."""
    plan, frame = first_rows(plan, batches, keys, rows)
    encoder = DelimitedEncoder(",", plan.masking.columns, plan.encoding.options)
    lines = encoder.spelled(frame).fill_null(pl.lit(encoder.null_marker)).rows()
    columns = plan.masking.columns
    return Preview(tuple(column.header for column in columns), tuple(lines), columns)


def first_rows(
    plan: Plan, batches: Iterable[pa.RecordBatch], keys: Keys, rows: int
) -> tuple[Plan, pl.DataFrame]:
    """The first `rows` rows, masked, in columns named by id, and the plan that knows all columns of a pivot.

    Closes `batches`, read or not.
    """
    reading = iter(batches)
    try:
        plan, settled = finish_report(plan, reading)
        columns, keys = plan.masking.columns, keys.of_plan(plan.masking.key_ids)
        frames = [
            pl.DataFrame(schema={column.id: polars_type(column.kind, column.scale) for column in columns})
        ]
        missing = rows
        settled_batches = iter(settled)
        while missing > 0 and (batch := next(settled_batches, None)) is not None:
            frames.append(mask.apply(plan, batch.slice(0, missing), keys).frame)
            missing -= len(frames[-1])
    finally:
        close = getattr(reading, "close", None)
        if close:
            close()
    return plan, pl.concat(frames)
