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
from export_pipelines.stream.letters import arrow_texts
from export_pipelines.stream.mask.objects import OPEN, Objects, may_be_sealed, sealed
from export_pipelines.stream.mask.prefilter import JSON, Flags, SideBySide, can_hold, have_odd_value
from export_pipelines.stream.mask.recognise import Own, is_near
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
    rows = _Rows(plan, batch, conform(batch, query.columns), keys)
    output = [rows.column(column).alias(column.id) for column in plan.masking.columns]
    return Masked(pl.DataFrame(output), rows.hidden, bad_json)


class _Rows:
    """The conformed rows of a batch. Texts that are read are hidden for all columns at once, by id or by source."""

    def __init__(self, plan: Plan, batch: pa.RecordBatch, frame: pl.DataFrame, keys: Keys) -> None:
        assert plan.masking and plan.extract
        types = {one.name: one.type for one in plan.masking.query.columns}
        self.batch, self.frame, self.keys, self.hidden = batch, frame, keys, 0
        self.today = pl.lit(plan.extract.window.end.date())
        self.own = [(types[id], frame[id]) for id in plan.masking.own]
        self.never = [(types[id], frame[id]) for id in plan.masking.never]
        self.texts = [
            one for one in plan.masking.columns if one.mask is Mask.REDACT and one.type not in WHOLE
        ]
        self.objects = {
            one.id: Objects(frame[one.source], one.seals)
            for one in plan.masking.columns
            if one.kind is Kind.JSON and one.is_personal
        }
        self.clean = self._without_never_exported(plan.masking.columns)
        self.shown |= self._redacted()

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
            or (one.mask is Mask.MASK and one.type == "url")
            or (one.mask is Mask.REDACT and one.type not in OPEN)
            or (one.mask is None and one.is_personal and one.kind is Kind.TEXT)
        }
        texts = {source: one for source, one in sources.items() if one.dtype == pl.String}
        objects = {id: one for id, one in self.objects.items() if not one.hides(Mask.REDACT)}
        self.shown: dict[str, pl.Series] = {}
        if not texts and not objects:
            return {}
        side = SideBySide([self._stored(one) for one in (*texts, *objects)])
        rows, keys = side.hold_never_exported(self.never)
        own = own_at(np.flatnonzero(rows).tolist(), self.never)
        self._seal(objects, [rows | keys] * len(objects), own)
        clean = {source: without_never_exported(one, own) for source, one in texts.items()}
        self.hidden += sum(hidden for _, hidden in clean.values())
        return {source: one for source, (one, _) in clean.items()}

    def _seal(self, objects: dict[str, Objects], flags: list[Flags], own: dict[int, Own]) -> None:
        """Objects, in the rows with these flags, those with a key to hide, and those that hold their `own` values."""
        for (id, one), found in zip(objects.items(), flags, strict=True):
            asked = set(np.flatnonzero(found | may_be_sealed(one)).tolist())
            self.shown[id], hidden = sealed(one, asked, own, self.keys)
            self.hidden += hidden

    def _stored(self, source: str) -> pa.LargeStringArray:
        return self.batch.column(source).cast(pa.large_string())

    def _component(self, column: OutputColumn) -> pl.Series:
        values = self.clean.get(column.source, self.frame[column.source])
        part = component(column.type, str(column.component), pl.col("value"), self.today)
        return _select(values, part.cast(polars_type(column.kind, column.scale)))

    def _redacted(self) -> dict[str, pl.Series]:
        """By id, texts redacted; of a closed type only what has not its form. And objects."""
        columns = self.texts
        objects = {id: one for id, one in self.objects.items() if one.hides(Mask.REDACT)}
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
        if not columns and not objects:
            return {}
        stored = [
            arrow_texts(text) if one.id in fits else self._stored(one.source)
            for text, one in zip(read, columns, strict=True)
        ]
        side = SideBySide([*stored, *map(self._stored, objects)])
        kept = any(one.keeps for one in objects.values())
        none = np.zeros(len(self.frame), np.bool_)
        never, _ = side.hold_never_exported(self.never) if kept else (none, none)
        rows = np.flatnonzero(never | side.hold_own(self.own) | have_odd_value(self.never)).tolist()
        own = own_at(rows, [*self.own, *self.never])
        own = {
            row: own[row] for row, text in zip(rows, side.read[rows], strict=True) if is_near(text, own[row])
        }
        flags = can_hold([one.texts for one in objects.values()], JSON) if objects else []
        seen = np.flatnonzero(np.logical_or.reduce([none, *flags])).tolist()
        own |= own_at([row for row in seen if row not in own], self.never)
        self._seal(objects, [never | found for found in flags], own)
        asked = [Column(text, one.type, one.query) for text, one in zip(read, columns, strict=True)]
        shown, hidden = redacted(asked, own)
        self.hidden += hidden
        return {
            column.id: self.clean[column.source].zip_with(fits[column.id], after)
            if column.id in fits
            else after
            for column, after in zip(columns, shown, strict=True)
        }


def _select(values: pl.Series, expression: pl.Expr) -> pl.Series:
    return values.to_frame("value").select(expression).to_series()
