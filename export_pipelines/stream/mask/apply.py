"""A batch from the source becomes the output frame: types, components, masks. What goes out of here may be shown."""

from collections import Counter
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
from export_pipelines.stream.letters import Flags
from export_pipelines.stream.mask.objects import OPEN, Objects, may_be_sealed, sealed
from export_pipelines.stream.mask.own import Own, is_near
from export_pipelines.stream.mask.prefilter import JSON, SideBySide, can_hold, have_odd_value
from export_pipelines.stream.mask.redact import Column, own_at, redacted, without_never_exported
from export_pipelines.stream.mask.values import WHOLE, masked, selected
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
    """The conformed rows of a batch. What is read text by text is done for all columns at once: `clean` has by source the
    texts without what is never exported, `shown` by id what was redacted, and objects."""

    def __init__(self, plan: Plan, frame: pl.DataFrame, keys: Keys) -> None:
        assert plan.masking and plan.extract
        types = {one.name: one.type for one in plan.masking.query.columns}
        self.frame, self.keys, self.hidden = frame, keys, 0
        self.today = pl.lit(plan.extract.window.end.date())
        self.own = [(types[id], frame[id]) for id in plan.masking.own]
        self.never = [(types[id], frame[id]) for id in plan.masking.never]
        self.shown: dict[str, pl.Series] = {}
        self.clean: dict[str, pl.Series] = {}
        columns = plan.masking.columns
        objects = {
            one.id: Objects(frame[one.source], one.seals)
            for one in columns
            if one.kind is Kind.JSON and (one.is_personal or any(seal.mask for seal in one.seals))
        }
        sources = dict.fromkeys(one.source for one in columns if _must_be_clean(one))
        self._take_out_never_exported(
            {one: frame[one] for one in sources if frame[one].dtype == pl.String},
            {id: one for id, one in objects.items() if not one.hides(Mask.REDACT)},
        )
        self._redact(
            [one for one in columns if _is_read(one)],
            {id: one for id, one in objects.items() if one.hides(Mask.REDACT)},
        )

    def column(self, column: OutputColumn) -> pl.Series:
        values = self.clean.get(column.source, self.frame[column.source])
        if column.component is not None:
            part = component(column.type, column.component, pl.col("value"), self.today)
            return selected(values, part.cast(polars_type(column.kind, column.scale)))
        if column.id in self.shown:
            return self.shown[column.id]
        if column.mask is not None:
            self.hidden += len(values) - values.null_count()
            return masked(values, column.type, column.mask, self.keys)
        return values if column.is_personal else self.frame[column.source]

    def _take_out_never_exported(self, texts: dict[str, pl.Series], objects: dict[str, Objects]) -> None:
        """Of texts by source, and of objects by id."""
        if not texts and not objects:
            return
        side = SideBySide([*texts.values(), *(one.texts for one in objects.values())])
        rows, keys = side.hold_never_exported(self.never)
        own = own_at(_places(rows), self.never)
        self._seal(objects, [rows | keys] * len(objects), own)
        for source, stored in texts.items():
            self.clean[source], hidden = without_never_exported(stored, own)
            self.hidden += hidden

    def _redact(self, columns: list[OutputColumn], objects: dict[str, Objects]) -> None:
        """Of texts and objects; of a closed type what has not its form."""
        if not columns and not objects:
            return
        fits = {one.id: self._fits(one) for one in columns if one.type not in OPEN}
        texts = [self._read(one, fits.get(one.id)) for one in columns]
        side = SideBySide([*(one.texts for one in texts), *(one.texts for one in objects.values())])
        none = np.zeros(len(self.frame), np.bool_)
        kept = any(one.keeps for one in objects.values())
        never = side.hold_never_exported(self.never)[0] if kept else none
        rows = _places(never | side.hold_own(self.own) | have_odd_value(self.never))
        own = own_at(rows, [*self.own, *self.never])
        own = {
            row: own[row] for row, text in zip(rows, side.read[rows], strict=True) if is_near(text, own[row])
        }
        flags = can_hold([one.texts for one in objects.values()], JSON) if objects else []
        seen = (row for row in _places(np.logical_or.reduce([none, *flags])) if row not in own)
        own |= own_at(list(seen), self.never)
        self._seal(objects, [never | found for found in flags], own)
        shown, hidden = redacted(texts, own)
        self.hidden += hidden
        for column, text in zip(columns, shown, strict=True):
            fit = fits.get(column.id)
            self.shown[column.id] = text if fit is None else self.clean[column.source].zip_with(fit, text)

    def _fits(self, column: OutputColumn) -> pl.Series:
        return selected(self.frame[column.source], has_form(column.type, pl.col("value")))

    def _read(self, column: OutputColumn, fits: pl.Series | None) -> Column:
        texts = self.frame[column.source]
        read = texts if fits is None else texts.zip_with(~fits, texts.clear(len(texts)))
        return Column(read, column.type, column.query)

    def _seal(self, objects: dict[str, Objects], flags: list[Flags], own: dict[int, Own]) -> None:
        """Objects, in the rows with these flags, those with a key to hide, and those that hold their `own` values."""
        for (id, one), found in zip(objects.items(), flags, strict=True):
            self.shown[id], hidden = sealed(one, set(_places(found | may_be_sealed(one))), own, self.keys)
            self.hidden += hidden


def _must_be_clean(column: OutputColumn) -> bool:
    """Whether never-exported values are taken out: of what is shown, wholly or in part, or can be given back."""
    if column.component or column.mask is Mask.TOKENIZE:
        return True
    if column.mask is Mask.REDACT:
        return column.type not in OPEN
    return column.type == "url" if column.mask is Mask.MASK else column.mask is None and column.is_personal


def _is_read(column: OutputColumn) -> bool:
    return column.mask is Mask.REDACT and column.type not in WHOLE


def _places(flags: Flags) -> list[int]:
    return [int(row) for row in np.flatnonzero(flags)]
