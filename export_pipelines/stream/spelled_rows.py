"""Rows of Python values, as a database's driver gives them, become columns of text that `conform` reads exactly."""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from uuid import UUID

import pyarrow as pa
import simplejson

from export_pipelines.catalog import Kind, StoredAs
from export_pipelines.errors import DataError, SourceError
from export_pipelines.plan.dialects.dialect import BAD_JSON
from export_pipelines.plan.plan import SourceColumn

INFINITY = b"infinity"
COMPACT = (
    "SELECT CASE WHEN json_valid(stored) THEN json(stored) ELSE ? END FROM (SELECT CAST(? AS TEXT) AS stored)"
)
ENDS = (datetime.combine(date.min, time.min), datetime.combine(date.max, time.max))
OF_ITS_OWN = (StoredAs.ISO, StoredAs.SQL)


class Spelling:
    """Batches of these columns; `infinite` when the driver gives the calendar's last day for infinity. A context, for
    what it holds to read JSON with."""

    def __init__(self, columns: tuple[SourceColumn, ...], *, infinite: bool) -> None:
        self.columns, self.infinite = columns, infinite
        self.json = sqlite3.connect(":memory:")
        self.json.text_factory = bytes

    def __enter__(self) -> "Spelling":
        return self

    def __exit__(self, *_: object) -> None:
        self.json.close()

    def batch(self, rows: Sequence[Sequence[Any]]) -> pa.RecordBatch:
        """The rows as texts. Raises SourceError for a column whose values no text tells."""
        names = [column.name for column in self.columns]
        texts = [
            [None if value is None else self._text(column, value) for value in values]
            for column, values in zip(self.columns, zip(*rows, strict=True), strict=True)
        ]
        arrays = [pa.array(column, pa.binary()).view(pa.string()) for column in texts]
        for position, column in enumerate(self.columns):
            if column.kind is Kind.JSON:
                arrays[position] = self._compact(texts[position])
        return pa.RecordBatch.from_arrays(arrays, names=names)

    def _text(self, column: SourceColumn, value: Any) -> bytes:
        if column.kind is Kind.TIMESTAMP and column.stored_as in OF_ITS_OWN and isinstance(value, str):
            raise SourceError(
                f"the column of {column.name} holds text, of which no window can be asked exactly",
                remedy="read a view that casts it to a timestamp",
            )
        if self.infinite and isinstance(value, date) and _is_last(value):
            return INFINITY  # which `conform` refuses, with the row
        for kind in type(value).__mro__:
            if kind in SPELLED:
                return SPELLED[kind](value)
        raise SourceError(
            f"the driver gives the column of {column.name} as {type(value).__name__}, which is not read",
            remedy="leave the field out, or read a view that casts it to text",
        )

    def _compact(self, texts: list[bytes | None]) -> pa.Array:
        """JSON as SQLite writes it, so that the files are the same; marked where it does not parse."""
        found = [
            text if text is None else self.json.execute(COMPACT, (BAD_JSON, text)).fetchone()[0]
            for text in texts
        ]
        return pa.array(found, pa.binary()).view(pa.string())


def _is_last(value: date) -> bool:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None) in ENDS
    return value in (date.min, date.max)


def _moment(value: datetime) -> bytes:
    """In UTC, without saying so; one without a zone is in UTC already."""
    try:
        clock = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    except OverflowError:
        return INFINITY
    return clock.isoformat(timespec="microseconds").encode()


def _json(value: object) -> bytes:
    try:
        text = simplejson.dumps(
            value,
            ensure_ascii=False,
            separators=(",", ":"),
            allow_nan=False,
            use_decimal=True,
            default=_inner,
        )
    except (TypeError, ValueError) as error:
        raise DataError(
            "a list or an object holds what JSON cannot", remedy="read a view that casts it to text"
        ) from error
    return _encoded(text)


def _inner(value: object) -> str:
    for kind in type(value).__mro__:
        if kind in SPELLED:
            return SPELLED[kind](value).decode()
    raise TypeError(f"no JSON for {type(value).__name__}")


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # half a character is refused by `conform`, with the row


SPELLED: dict[type, Callable[[Any], bytes]] = {
    str: _encoded,
    bool: lambda truth: b"true" if truth else b"false",
    int: lambda number: b"%d" % number,
    float: lambda number: repr(float(number)).encode(),
    Decimal: lambda number: format(number, "f").encode(),
    datetime: _moment,
    date: lambda day: day.isoformat().encode(),
    time: lambda clock: clock.isoformat().encode(),
    bytes: bytes,
    bytearray: bytes,
    memoryview: bytes,
    dict: _json,
    list: _json,
    tuple: _json,
    **dict.fromkeys((UUID, IPv4Address, IPv6Address), lambda name: str(name).encode()),
}
