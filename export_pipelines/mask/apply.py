"""A batch from the source becomes the output frame: types, components, masks. What goes out of here may be shown."""

from collections import Counter
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from export_pipelines.catalog import Kind
from export_pipelines.errors import DataError
from export_pipelines.mask.kernel import NEVER, Flags
from export_pipelines.mask.keys import Keys
from export_pipelines.mask.objects import OPEN, Objects, UnreadObject, sealed
from export_pipelines.mask.prefilter import NEAR_OWN, Prefilter
from export_pipelines.mask.redact_columns import own_at, redacted, redactor, without_never_exported
from export_pipelines.mask.repeated import repeated_values
from export_pipelines.mask.value_masks import WHOLE, masked, selected
from export_pipelines.plan.changes import Change
from export_pipelines.plan.plan import Mask, OutputColumn, Plan, shows_text
from export_pipelines.read.bad_json import settled, whole_characters
from export_pipelines.transform.casts import conform, is_as_stored, place_of
from export_pipelines.transform.components import component, has_form
from export_pipelines.transform.letters import Letters, letters_of
from export_pipelines.transform.schema import polars_type


class Masked(NamedTuple):
    """`frame` may be shown: columns named by id in the plan's order. `values` were masked in it; `bad_json` counts by
    column what did not parse and became null."""

    frame: pl.DataFrame
    values: int
    bad_json: Counter[str]


def apply(plan: Plan, batch: pa.RecordBatch, keys: Keys) -> Masked:
    """What becomes of a batch as the source gave it. Raises DataError for a value that does not fit its declared type."""
    query = plan.query
    batch, bad_json = settled(batch, query.marked, query.bad_json_is_null)
    objects = [column.name for column in query.columns if column.kind is Kind.JSON]
    batch, halves = whole_characters(batch, objects, query.bad_json_is_null)
    try:
        rows = _Rows(plan, batch, keys)
    except UnreadObject as error:
        raise DataError(
            error.what,
            where=place_of(batch, error.row, error.column),
            remedy="mend the row, or leave the field out",
        ) from error
    output = [rows.column(column).alias(column.id) for column in plan.masking.columns if column.source]
    output += [_constant(column, batch.num_rows) for column in plan.masking.columns if not column.source]
    return Masked(pl.DataFrame(output), rows.hidden, bad_json + halves)


def _constant(column: OutputColumn, rows: int) -> pl.Series:
    """A column that the run fills by itself, as a full set has it."""
    return pl.repeat(Change.ADDED, rows, dtype=pl.String, eager=True).alias(column.id)


class _Rows:
    """The conformed rows of a batch. What is read text by text is done first: `clean` has by source the texts without
    what is never exported, `shown` by id what was redacted, and objects."""

    def __init__(self, plan: Plan, batch: pa.RecordBatch, keys: Keys) -> None:
        types = {column.name: column.type for column in plan.query.columns}
        self.stored = {column.name: column for column in plan.query.columns}
        self.batch, self.keys, self.hidden = batch, keys, 0
        self.values = values = {series.name: series for series in conform(batch, plan.query.columns)}
        self._letters: dict[str, Letters] = {}
        self.today = pl.lit(plan.extract.window.end.date())
        never = [(types[id], values[id]) for id in plan.masking.never]
        own = [(types[id], values[id]) for id in plan.masking.own]
        more = repeated_values(values, plan.masking.repeating)
        prefilter = Prefilter(own, never, batch.num_rows, more, self.letters)
        columns = [column for column in plan.masking.columns if column.source]
        texts = [
            column
            for column in columns
            if values[column.source].dtype == pl.String and column.kind is not Kind.JSON
        ]
        read = {text.source: text.type for text in texts if _must_be_clean(text) or _is_read(text)}
        flags = {
            source: prefilter.flags(values[source], is_url=type == "url") for source, type in read.items()
        }
        cleaned = {text.source: flags[text.source] & NEVER for text in texts if _must_be_clean(text)}
        redacted = {text: self._may_change(text, flags[text.source]) for text in texts if _is_read(text)}
        objects = {
            column.id: Objects(values[column.source], column.seals)
            for column in columns
            if _is_sealed(column)
        }
        sealed = {
            id: contents.may_hide(prefilter.flags(contents.texts, contents.known_keys()))
            for id, contents in objects.items()
        }
        near = (flags & NEAR_OWN > 0 for flags in (*cleaned.values(), *redacted.values(), *sealed.values()))
        rows = np.flatnonzero(np.logical_or.reduce([np.zeros(batch.num_rows, np.bool_), *near]))
        self.own = own_at(rows.tolist(), [*own, *never], more)
        self.clean = {
            source: clean
            for source, flags in cleaned.items()
            if (clean := self._without_never(source, flags)) is not None
        }
        self.shown = {column.id: self._redacted(column, flags) for column, flags in redacted.items()}
        for id, contents in objects.items():
            self.shown[id] = self._sealed(id, contents, sealed[id])

    def letters(self, texts: pl.Series) -> Letters:
        """Of the texts of a source column, as they are stored."""
        if texts.name not in self._letters:
            array = self.batch.column(texts.name)
            as_stored = is_as_stored(array, self.stored[texts.name])
            self._letters[texts.name] = Letters.of(array) if as_stored else letters_of(texts)
        return self._letters[texts.name]

    def column(self, column: OutputColumn) -> pl.Series:
        values = self.clean.get(column.source, self.values[column.source])
        if column.component is not None:
            part = component(column.type, column.component, pl.col("value"), self.today)
            return selected(values, part.cast(polars_type(column.kind, column.scale)))
        if column.id in self.shown:
            return self.shown[column.id]
        if column.mask is not None:
            self.hidden += len(values) - values.null_count()
            is_stored = values.dtype == pl.String and column.source not in self.clean
            letters = self.letters(values) if is_stored else None
            return masked(values, column.type, column.mask, self.keys, letters)
        return values if column.is_personal else self.values[column.source]

    def _may_change(self, column: OutputColumn, flags: Flags) -> Flags:
        """The flags of texts that `redact` may change: of a closed type those that have not its form."""
        rows = np.flatnonzero(flags)
        if column.type in OPEN or not len(rows):
            return flags
        fits = selected(
            self.values[column.source][rows], has_form(column.type, pl.col("value")).fill_null(True)
        )
        remaining = flags.copy()
        remaining[rows[fits.to_numpy()]] = 0
        return remaining

    def _without_never(self, source: str, flags: Flags) -> pl.Series | None:
        """None where nothing was taken out."""
        shown, hidden = without_never_exported(self.values[source], flags, self.own)
        self.hidden += hidden
        return shown if hidden else None

    def _redacted(self, column: OutputColumn, flags: Flags) -> pl.Series:
        texts = self.values[column.source]
        shown = self.clean.get(column.source, texts)
        return self._counted(redacted(texts, flags, self.own, redactor(column.type, column.query), shown))

    def _sealed(self, id: str, objects: Objects, flags: Flags) -> pl.Series:
        try:
            return self._counted(sealed(objects, flags, self.own, self.keys))
        except UnreadObject as error:
            error.column = id
            raise

    def _counted(self, result: tuple[pl.Series, int]) -> pl.Series:
        shown, hidden = result
        self.hidden += hidden
        return shown


def _is_sealed(column: OutputColumn) -> bool:
    return column.kind is Kind.JSON and (column.is_personal or any(seal.mask for seal in column.seals))


def _must_be_clean(column: OutputColumn) -> bool:
    """Whether never-exported values are taken out: of what is shown, wholly or in part, or can be given back."""
    if column.mask is Mask.REDACT:
        return column.type not in OPEN
    treated = column.is_personal or column.component is not None or column.mask is not None
    return treated and shows_text(column.mask, column.type)


def _is_read(column: OutputColumn) -> bool:
    return column.mask is Mask.REDACT and column.type not in WHOLE
