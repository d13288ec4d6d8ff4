"""Stored JSON that does not parse, which the SELECT marked: an error that names the row, or null, as the export says."""

from collections import Counter
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc
import simplejson

from export_pipelines.errors import DataError
from export_pipelines.plan.dialects.dialect import BAD_JSON
from export_pipelines.read.unknown_row import UnknownRow
from export_pipelines.transform.casts import has_id, place_of
from export_pipelines.transform.letters import text_scalar

MARK = text_scalar(BAD_JSON)


class UnreadableJson(UnknownRow):
    """A filter or a group of a report met JSON that does not parse."""


def settled(
    batch: pa.RecordBatch, marked: Iterable[str], is_null: bool
) -> tuple[pa.RecordBatch, Counter[str]]:
    """The batch without marks, and how many there were by column. Raises DataError unless such a value `is_null`."""
    counts: Counter[str] = Counter()
    for name in marked:
        column = batch.column(name)
        marks = pc.equal(column, MARK)
        count = pc.sum(marks).as_py()
        if not count:
            continue
        if not is_null:
            raise (DataError if has_id(batch) else UnreadableJson)(
                "JSON that does not parse",
                where=place_of(batch, pc.index(marks, True).as_py(), name),
                remedy="mend the row, leave the field out, or write `bad_json: null` in the export",
            )
        counts[name] = count
        without = pc.if_else(pc.fill_null(marks, False), None, column)
        batch = batch.set_column(batch.schema.get_field_index(name), name, without)
    return batch, counts


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
