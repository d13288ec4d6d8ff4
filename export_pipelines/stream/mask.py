"""A batch from the source becomes the output frame: types, components, masks. What goes out of here may be shown."""

from collections import Counter
from typing import NamedTuple

import polars as pl
import pyarrow as pa

from export_pipelines.catalog import Kind
from export_pipelines.plan.plan import OutputColumn, Plan
from export_pipelines.stream.bad_json import settled
from export_pipelines.stream.components import component
from export_pipelines.stream.conform import conform
from export_pipelines.stream.keys import Keys
from export_pipelines.stream.mask_objects import seal_objects
from export_pipelines.stream.mask_values import masked
from export_pipelines.stream.schema import polars_type
from export_pipelines.stream.watched import Watched, hide_repeats


class Masked(NamedTuple):
    """`frame` may be shown: columns named by id in the plan's order. `values` were masked in it; `bad_json` counts by
    column what did not parse and became null."""

    frame: pl.DataFrame
    values: int
    bad_json: Counter[str]


def apply(plan: Plan, batch: pa.RecordBatch, keys: Keys) -> Masked:
    """What becomes of a batch as the source gave it. Raises DataError for a value that does not fit its declared type."""
    assert plan.masking and plan.extract
    query = plan.masking.query
    batch, bad_json = settled(batch, query.marked, query.bad_json_is_null)
    frame = conform(batch, query.columns)
    today = pl.lit(plan.extract.window.end.date())
    watched = Watched(plan, batch, frame)
    output, count = [], 0
    for column in plan.masking.columns:
        series, hidden = _column(frame, column, keys, today, watched, column.id in plan.masking.searched)
        output.append(series.alias(column.id))
        count += hidden
    return Masked(pl.DataFrame(output), count, bad_json)


def _column(
    frame: pl.DataFrame,
    column: OutputColumn,
    keys: Keys,
    today: pl.Expr,
    watched: Watched,
    searched: bool,
) -> tuple[pl.Series, int]:
    values = frame[column.source]
    if column.component is not None:
        part = component(column.type, column.component, pl.col(column.source), today)
        result = frame.select(part.cast(polars_type(column.kind, column.scale)).alias(column.id))[column.id]
        return hide_repeats(watched, result) if searched else (result, 0)
    if column.mask is not None:
        return masked(values, column.type, column.mask, keys), len(values) - values.null_count()
    if column.kind is Kind.JSON and (column.seals or searched):
        return seal_objects(values, column.seals, watched, keys)
    return hide_repeats(watched, values) if searched else (values, 0)
