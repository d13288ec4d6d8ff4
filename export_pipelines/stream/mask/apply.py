"""A batch from the source becomes the output frame: types, components, masks. What goes out of here may be shown."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from export_pipelines.catalog import Kind
from export_pipelines.plan.plan import Mask, OutputColumn, Plan
from export_pipelines.stream.bad_json import settled
from export_pipelines.stream.components import component, has_form
from export_pipelines.stream.conform import conform
from export_pipelines.stream.keys import Keys
from export_pipelines.stream.mask import prefilter
from export_pipelines.stream.mask.objects import OPEN, Objects, rows_of_interest, sealed
from export_pipelines.stream.mask.recognise import Own
from export_pipelines.stream.mask.redact import Column, own_at, redacted, without_never_exported
from export_pipelines.stream.mask.values import WHOLE, masked
from export_pipelines.stream.schema import polars_type


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
    rows = _Rows(plan, conform(batch, query.columns), keys)
    output = [rows.column(column).alias(column.id) for column in plan.masking.columns]
    return Masked(pl.DataFrame(output), rows.hidden, bad_json)


class _Rows:
    """The conformed rows of a batch. Texts that are read are hidden for all columns at once, by id or by source."""

    def __init__(self, plan: Plan, frame: pl.DataFrame, keys: Keys) -> None:
        assert plan.masking and plan.extract
        types = {one.name: one.type for one in plan.masking.query.columns}
        self.frame, self.keys, self.hidden = frame, keys, 0
        self.today = pl.lit(plan.extract.window.end.date())
        self.own = [(types[id], frame[id]) for id in plan.masking.own]
        self.never = [(types[id], frame[id]) for id in plan.masking.never]
        columns = plan.masking.columns
        texts = [one for one in columns if one.mask is Mask.REDACT and one.type not in WHOLE]
        objects = [one for one in columns if one.kind is Kind.JSON and one.is_personal]
        self.clean = self._without_never_exported(columns)
        self.shown = self._objects(objects, [one.source for one in texts]) | self._redacted(texts)

    def column(self, column: OutputColumn) -> pl.Series:
        values = self.frame[column.source]
        if column.component is not None:
            return self._component(column)
        if column.id in self.shown:
            return self.shown[column.id]
        if column.mask is not None:
            self.hidden += len(values) - values.null_count()
            return masked(self.clean.get(column.source, values), column.type, column.mask, self.keys)
        return self.clean.get(column.source, values) if column.is_personal else values

    def _without_never_exported(self, columns: Iterable[OutputColumn]) -> dict[str, pl.Series]:
        """By source, the texts that are shown, of which parts are shown, or which a token gives back."""
        sources = {
            one.source: self.frame[one.source]
            for one in columns
            if one.component
            or one.mask is Mask.TOKENIZE
            or (one.mask is None and one.is_personal and one.kind is Kind.TEXT)
        }
        texts = {source: one for source, one in sources.items() if one.dtype == pl.String}
        clean, hidden = without_never_exported(list(texts.values()), self.never)
        self.hidden += hidden
        return dict(zip(texts, clean, strict=True))

    def _component(self, column: OutputColumn) -> pl.Series:
        values = self.clean.get(column.source, self.frame[column.source])
        part = component(column.type, str(column.component), pl.col("value"), self.today)
        return _select(values, part.cast(polars_type(column.kind, column.scale)))

    def _objects(self, columns: list[OutputColumn], texts: list[str]) -> dict[str, pl.Series]:
        """By id; `texts` are the other columns that are redacted."""
        objects = {one.id: Objects(self.frame[one.source], one.seals) for one in columns}
        redacted = [one.source for one in columns if objects[one.id].hides(Mask.REDACT)]
        self.own_values = self._own_at(self._rows_with_own([*redacted, *texts]))
        shown = {}
        flags = rows_of_interest(list(objects.values()), self.never)
        for (id, one), found in zip(objects.items(), flags, strict=True):
            rows = np.flatnonzero(found).tolist()
            own = self.own_values if one.hides(Mask.REDACT) else own_at(rows, self.never)
            shown[id], hidden = sealed(one, set(rows), own, self.keys)
            self.hidden += hidden
        return shown

    def _redacted(self, columns: list[OutputColumn]) -> dict[str, pl.Series]:
        """By id; of a closed type only what has not its form."""
        fits = {
            one.id: _select(self.frame[one.source], has_form(one.type, pl.col("value")))
            for one in columns
            if one.type not in OPEN
        }
        texts = [self.frame[one.source] for one in columns]
        read = [
            one.zip_with(~fits[column.id], one.clear(len(one))) if column.id in fits else one
            for column, one in zip(columns, texts, strict=True)
        ]
        asked = [Column(text, one.type, one.query) for text, one in zip(read, columns, strict=True)]
        shown, hidden = redacted(asked, self.own_values)
        self.hidden += hidden
        return {
            column.id: before.zip_with(fits[column.id], after) if column.id in fits else after
            for column, before, after in zip(columns, texts, shown, strict=True)
        }

    def _rows_with_own(self, sources: Iterable[str]) -> prefilter.Flags:
        texts = [self.frame[one] for one in dict.fromkeys(sources)]
        found = np.zeros(len(self.frame), np.bool_)
        if texts and len(found):
            found |= prefilter.can_hold_own(texts, self.own)
            found |= prefilter.have_odd_value(self.never, len(found))
        return found

    def _own_at(self, flags: prefilter.Flags) -> dict[int, Own]:
        return own_at(np.flatnonzero(flags).tolist(), [*self.own, *self.never])


def _select(values: pl.Series, expression: pl.Expr) -> pl.Series:
    return values.to_frame("value").select(expression).to_series()
