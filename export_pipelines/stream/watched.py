"""Which rows hold one of their masked values once more, in a text; most rows do not, and are not looked at again."""

import operator
from functools import cached_property

import numpy as np
import polars as pl

from export_pipelines.plan.plan import Plan
from export_pipelines.stream.mask_values import as_text
from export_pipelines.stream.pieces import Pieces, by_row
from export_pipelines.stream.repeats import Parts, repeated, scrubbed, sought
from export_pipelines.stream.search import held


class Watched:
    """The values that are masked in each row of `frame`, and the rows whose texts may hold one of them once more."""

    def __init__(self, plan: Plan, frame: pl.DataFrame) -> None:
        assert plan.masking
        types = {one.name: one.type for one in plan.masking.query.columns}
        self._values = [(types[name], as_text(frame[name])) for name in plan.masking.watched]
        searched = [one.source for one in plan.masking.columns if one.id in plan.masking.searched]
        self._texts = [frame[name] for name in dict.fromkeys(searched)]

    @cached_property
    def rows(self) -> dict[int, Parts]:
        """Rows that may hold a value in one of their texts, and their values; no row that holds one is missed."""
        if not self._values or not self._texts:
            return {}
        texts, values, rows = self._texts, self._values, np.arange(len(self._texts[0]))
        if all(one.null_count() for _, one in values):
            absent = pl.DataFrame([one.is_null().alias(str(n)) for n, (_, one) in enumerate(values)])
            rows = np.flatnonzero(~absent.fold(operator.and_).to_numpy())
            texts, values = [one[rows] for one in texts], [(type, one[rows]) for type, one in values]
        if not len(rows):
            return {}
        rows = rows[held(texts, Pieces.of(values))]
        return dict(zip(rows.tolist(), map(sought, by_row(self._values, rows)), strict=True))


def hide_repeats(watched: Watched, texts: pl.Series) -> tuple[pl.Series, int]:
    """`texts` with every masked value of the same row hidden, and how many were."""
    if not watched.rows:
        return texts, 0
    hidden, count = {}, 0
    for (row, parts), text in zip(watched.rows.items(), texts[list(watched.rows)], strict=True):
        if text is not None and (found := repeated(text, parts)):
            hidden[row], times = scrubbed(text, found)
            count += times
    return replaced(texts, hidden), count


def replaced(texts: pl.Series, changed: dict[int, str]) -> pl.Series:
    """`texts` with other ones in some rows."""
    if not changed:
        return texts
    return texts.scatter(list(changed), pl.Series(changed.values(), dtype=pl.String))
