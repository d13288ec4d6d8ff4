"""Which rows hold one of their masked values once more, in a text; most rows do not, and are not looked at again."""

from functools import cached_property

import numpy as np
import polars as pl
import pyarrow as pa

from export_pipelines.catalog import Kind
from export_pipelines.plan.plan import Plan
from export_pipelines.stream.letters import arrow_texts
from export_pipelines.stream.mask_values import as_text
from export_pipelines.stream.pieces import Pieces, by_row
from export_pipelines.stream.repeats import Parts, scrubbed, sought
from export_pipelines.stream.search import held


class Watched:
    """The values that are masked in each row, and the rows whose texts may hold one of them once more. `frame` is the
    conformed `batch`, whose texts are the same."""

    def __init__(self, plan: Plan, batch: pa.RecordBatch, frame: pl.DataFrame) -> None:
        assert plan.masking
        columns = {one.name: one for one in plan.masking.query.columns}

        def texts(name: str) -> pa.LargeStringArray:
            plain = columns[name].kind in (Kind.TEXT, Kind.JSON)
            return batch.column(name).cast(pa.large_string()) if plain else arrow_texts(as_text(frame[name]))

        self._values = [(columns[name].type, texts(name)) for name in plan.masking.watched]
        searched = [one.source for one in plan.masking.columns if one.id in plan.masking.searched]
        self._texts = [texts(name) for name in dict.fromkeys(searched)]

    @cached_property
    def rows(self) -> dict[int, Parts]:
        """Rows that may hold a value in one of their texts, and their values; no row that holds one is missed."""
        if not self._values or not self._texts:
            return {}
        texts, values, rows = self._texts, self._values, np.arange(len(self._texts[0]))
        if all(one.null_count for _, one in values):
            absent = np.logical_and.reduce(
                [one.is_null().to_numpy(zero_copy_only=False) for _, one in values]
            )
            rows = np.flatnonzero(~absent)
            texts, values = (
                [one.take(rows) for one in texts],
                [(type, one.take(rows)) for type, one in values],
            )
        if not len(rows):
            return {}
        rows = rows[held(texts, Pieces.of(values))]
        return dict(zip(rows.tolist(), map(sought, by_row(self._values, rows)), strict=True))


def hide_repeats(watched: Watched, texts: pl.Series) -> tuple[pl.Series, int]:
    """`texts` with every masked value of the same row hidden, and how many were."""
    if not watched.rows:
        return texts, 0
    hidden, count = {}, 0
    found = texts[np.fromiter(watched.rows, np.int64)].to_list()
    for (row, parts), text in zip(watched.rows.items(), found, strict=True):
        if text is not None:
            shown, times = scrubbed(text, parts)
            if times:
                hidden[row], count = shown, count + times
    return replaced(texts, hidden), count


def replaced(texts: pl.Series, changed: dict[int, str]) -> pl.Series:
    """`texts` with other ones in some rows."""
    if not changed:
        return texts
    return texts.clone().scatter(list(changed), pl.Series(changed.values(), dtype=pl.String))
