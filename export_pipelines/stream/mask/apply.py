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
from export_pipelines.stream.mask.kernel import NEVER, Found
from export_pipelines.stream.mask.objects import OPEN, Objects, sealed
from export_pipelines.stream.mask.own import Own
from export_pipelines.stream.mask.prefilter import NEAR_OWN, Prefilter
from export_pipelines.stream.mask.redact import may_change, own_at, redacted, redactor, without_never_exported
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
    """The conformed rows of a batch. What is read text by text is done first: `clean` has by source the texts without
    what is never exported, `shown` by id what was redacted, and objects."""

    def __init__(self, plan: Plan, frame: pl.DataFrame, keys: Keys) -> None:
        assert plan.masking and plan.extract
        types = {one.name: one.type for one in plan.masking.query.columns}
        self.frame, self.keys, self.hidden = frame, keys, 0
        self.today = pl.lit(plan.extract.window.end.date())
        never = [(types[id], frame[id]) for id in plan.masking.never]
        own = [(types[id], frame[id]) for id in plan.masking.own]
        self.prefilter = Prefilter(own, never, len(frame))
        self.values, self.own = [*own, *never], dict[int, Own]()
        self.shown: dict[str, pl.Series] = {}
        self.clean: dict[str, pl.Series] = {}
        columns = plan.masking.columns
        texts = [one for one in columns if frame[one.source].dtype == pl.String and one.kind is not Kind.JSON]
        self.found = {
            source: self.prefilter.flags(frame[source])
            for source in {one.source: None for one in texts if _must_be_clean(one) or _is_read(one)}
        }
        self._take_out_never_exported({one.source: None for one in texts if _must_be_clean(one)})
        self._redact([one for one in texts if _is_read(one)])
        for one in columns:
            if one.kind is Kind.JSON and (one.is_personal or any(seal.mask for seal in one.seals)):
                self._seal(one.id, Objects(frame[one.source], one.seals))

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

    def _take_out_never_exported(self, sources: Iterable[str]) -> None:
        for source in sources:
            texts, found = self.frame[source], self.found[source] & NEVER
            self._show(self.clean, source, without_never_exported(texts, found, self._own_at(found)))

    def _redact(self, columns: list[OutputColumn]) -> None:
        """Of a closed type what has not its form."""
        for column in columns:
            texts, found = self.frame[column.source], self.found[column.source]
            if column.type not in OPEN:
                fits = selected(texts, has_form(column.type, pl.col("value")).fill_null(True))
                found = np.where(fits.to_numpy(), np.uint8(0), found)
            found = may_change(column.type, texts, found)
            own = self._own_at(found)
            shown = self.clean.get(column.source, texts)
            redact = redactor(column.type, column.query)
            self._show(self.shown, column.id, redacted(texts, found, own, redact, shown))

    def _seal(self, id: str, objects: Objects) -> None:
        found = objects.may_hide(self.prefilter.flags(objects.texts, objects.known_keys()))
        own = self._own_at(found)
        self._show(self.shown, id, sealed(objects, found, own, self.keys))

    def _own_at(self, found: Found) -> dict[int, Own]:
        """The own values of the rows that may hold one, each read once."""
        rows = np.flatnonzero(found & NEAR_OWN).tolist()
        self.own |= own_at([row for row in rows if row not in self.own], self.values)
        return self.own

    def _show(self, where: dict[str, pl.Series], name: str, result: tuple[pl.Series, int]) -> None:
        where[name], hidden = result
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
