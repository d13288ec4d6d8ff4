"""Spans that name their rows: the ids in their order, of which the plan's SELECT reads what its filter leaves."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import polars as pl
import pyarrow as pa
from sqlalchemy import func, literal, select

from export_pipelines.catalog import Dataset
from export_pipelines.plan.dialects.dialect import Expression
from export_pipelines.plan.plan import Plan
from export_pipelines.plan.query.new_rows import Value, with_values
from export_pipelines.plan.query.tables import Tables
from export_pipelines.read.source import Source
from export_pipelines.streaming.horizon import RowKey, Rows
from export_pipelines.streaming.horizons import rows
from export_pipelines.streaming.horizons.rows import retryable, value_of_column
from export_pipelines.transform.letters import array_of

JSON_LIST = "sqlite"  # which takes a list as one JSON text much faster than as many parameters
MOST_IDS = 5_000  # of a span: its rows are in memory, and its ids in the cursor


@dataclass(frozen=True)
class NamedRows:
    """The condition of rows by their ids; see `request.NewRows`."""

    dataset: Dataset

    @property
    def order(self) -> tuple[str, ...]:
        return (self.dataset.row_id,)

    def expression(self, tables: Tables) -> Expression:
        id = tables.column(tables.field(self.dataset.row_id))
        if tables.dialect.name == JSON_LIST:
            listed = func.json_each(literal("[]")).table_valued("value", name="named")
            return id.in_(select(listed.c.value))
        return id.in_([value_of_column("")])


def read_named(
    source: Source, plan: Plan, row_id: str, ids: Sequence[str], after: RowKey | None
) -> Iterator[Rows]:
    """The rows with these ids, in their order, after the row with the last id that was read."""
    wanted = ids[ids.index(after[0]) + 1 :] if after else ids
    if not wanted:
        return
    listed: Value = json.dumps(wanted) if plan.extract.dialect == JSON_LIST else tuple(wanted)
    with retryable(), closing(source.read(with_values(plan.query, [listed]))) as batches:  # type: ignore[type-var]
        parts = list(batches)
    if not parts:
        return
    table = pa.Table.from_batches(parts)
    read = list(map(str, table.column(row_id).to_pylist()))
    places = {id: place for place, id in enumerate(read)}
    in_order = [places[id] for id in wanted if id in places]
    for start in range(0, len(in_order), rows.BATCH_ROWS):
        part = table.take(array_of(in_order[start : start + rows.BATCH_ROWS], pl.Int64)).combine_chunks()
        (batch,) = part.to_batches()
        yield Rows(batch, (str(batch.column(row_id)[-1].as_py()),))
