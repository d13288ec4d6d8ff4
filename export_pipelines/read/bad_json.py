"""Stored JSON that does not parse, which the SELECT marked: an error that names the row, or null, as the export says."""

import re
from collections import Counter
from collections.abc import Iterable

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import simplejson
import stringzilla as sz

from export_pipelines.errors import DataError
from export_pipelines.plan.dialects.dialect import BAD_JSON
from export_pipelines.read.unknown_row import UnknownRow
from export_pipelines.transform.casts import has_id, place_of
from export_pipelines.transform.letters import array_of, text_scalar

MARK = text_scalar(BAD_JSON)
HALF = r"\\u[dD][89a-fA-F]"
# each escape from its backslash on, so that one of a backslash takes no part in the next
ESCAPES = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>u[dD][89a-fA-F])|.)", re.DOTALL
)


class UnreadableJson(UnknownRow):
    """A filter or a group of a report met JSON that does not parse."""


def settled(
    batch: pa.RecordBatch, marked: Iterable[str], is_null: bool
) -> tuple[pa.RecordBatch, Counter[str]]:
    """The batch without marks, and how many there were by column. Raises DataError unless such a value `is_null`."""
    marks = ((name, pc.equal(batch.column(name), MARK)) for name in marked)
    return _without(batch, marks, is_null, "JSON that does not parse")


def whole_characters(
    batch: pa.RecordBatch, names: Iterable[str], is_null: bool
) -> tuple[pa.RecordBatch, Counter[str]]:
    """The same of JSON in which an escape is half of a character (`"\\ud800"`), which parses for some readers alone: others refuse
    the whole file."""
    escaped = [name for name in names if _may_have_halves(batch.column(name))]
    halves = ((name, _with_halves(pl.Series("", batch.column(name)).cast(pl.String))) for name in escaped)
    return _without(
        batch, halves, is_null, "JSON with half a character (a lone surrogate), which few readers take"
    )


def _without(
    batch: pa.RecordBatch, bad: Iterable[tuple[str, pa.BooleanArray]], is_null: bool, what: str
) -> tuple[pa.RecordBatch, Counter[str]]:
    counts: Counter[str] = Counter()
    for name, marks in bad:
        count = pc.sum(marks).as_py()
        if not count:
            continue
        if not is_null:
            raise (DataError if has_id(batch) else UnreadableJson)(
                what,
                where=place_of(batch, pc.index(marks, True).as_py(), name),
                remedy="mend the row, leave the field out, or write `bad_json: null` in the export",
            )
        counts[name] = count
        without = pc.if_else(pc.fill_null(marks, False), None, batch.column(name))
        batch = batch.set_column(batch.schema.get_field_index(name), name, without)
    return batch, counts


def _may_have_halves(texts: pa.Array) -> bool:
    """Whether an escape that may be one stands anywhere in the letters, which lie side by side."""
    letters = texts.buffers()[-1]
    return letters is not None and any(
        sz.find(memoryview(letters), escape) >= 0 for escape in (r"\ud", r"\uD")
    )


def _with_halves(texts: pl.Series) -> pa.BooleanArray:
    """Which of the texts have one."""
    marks = np.zeros(len(texts), np.bool_)
    for row in texts.str.contains(HALF).arg_true():
        marks[row] = _has_half(texts[row])
    return array_of(marks, pl.Boolean)


def _has_half(text: str) -> bool:
    return any(escape["half"] for escape in ESCAPES.finditer(text))


def require_readable(batch: pa.RecordBatch, names: Iterable[str]) -> None:
    """Raises DataError for the first text of these columns that PostgreSQL cannot read as JSON."""
    for name in names:
        for row, text in enumerate(batch.column(name).to_pylist()):
            if text is not None and not _is_readable(text):
                raise DataError(
                    "JSON that does not parse, or holds half a character or \\u0000, which no text of PostgreSQL does",
                    where=place_of(batch, row, name),
                    remedy="mend the row, or leave the field out",
                )


def _is_readable(text: str) -> bool:
    try:
        written = simplejson.dumps(
            simplejson.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse), ensure_ascii=False
        )
        written.encode()
    except (ValueError, RecursionError):
        return False
    return "\\u0000" not in written.replace("\\\\", "")


def _refuse(constant: str) -> None:
    raise ValueError(constant)
