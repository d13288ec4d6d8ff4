"""Rows of Python values, as a database's driver gives them, become columns of text that `conform` reads exactly."""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from types import NoneType
from typing import Any
from uuid import UUID

import pyarrow as pa
import simplejson

from export_pipelines.catalog import Kind, StoredAs
from export_pipelines.errors import DataError, SourceError
from export_pipelines.plan.dialects.dialect import BAD_JSON
from export_pipelines.plan.query.query import SourceColumn
from export_pipelines.read.reals import real_text
from export_pipelines.transform.casts import IDS, place_of

INFINITY = b"infinity"
COMPACT = (
    "SELECT CASE WHEN json_valid(stored) THEN json(stored) ELSE ? END FROM (SELECT CAST(? AS TEXT) AS stored)"
)
ENDS = frozenset(
    (date.min, date.max, datetime.combine(date.min, time.min), datetime.combine(date.max, time.max))
)
OF_ITS_OWN = (StoredAs.ISO, StoredAs.SQL)


class NotJson(ValueError):
    """A list or an object holds what JSON cannot: NaN, infinity, or a type of the driver's own."""


class Spelling:
    """Batches of these columns of the database at `place`; `infinite` when its driver gives the calendar's last day for
    infinity. A context, for what it holds to read JSON with."""

    def __init__(self, columns: tuple[SourceColumn, ...], place: str, *, infinite: bool) -> None:
        self.columns, self.place, self.infinite = columns, place, infinite
        self.json = sqlite3.connect(":memory:")
        self.json.text_factory = bytes

    def __enter__(self) -> "Spelling":
        return self

    def __exit__(self, *_: object) -> None:
        self.json.close()

    def batch(self, rows: Sequence[Sequence[Any]]) -> pa.RecordBatch:
        """The rows as texts. Raises SourceError for a column whose values no text tells, DataError for one value."""
        texts = [
            self._texts(column, values, rows)
            for column, values in zip(self.columns, zip(*rows, strict=True), strict=True)
        ]
        arrays = [pa.array(column, pa.binary()).view(pa.string()) for column in texts]
        names = [column.name for column in self.columns]
        for position, column in enumerate(self.columns):
            if column.kind is Kind.JSON:
                arrays[position] = self._compact(texts[position])
        return pa.RecordBatch.from_arrays(arrays, names=names)

    def _texts(
        self, column: SourceColumn, values: Sequence[Any], rows: Sequence[Sequence[Any]]
    ) -> list[bytes | None]:
        kinds = set(map(type, values)) - {NoneType}
        if str in kinds and column.kind is Kind.TIMESTAMP and column.stored_as in OF_ITS_OWN:
            raise SourceError(
                f"the column of {column.name} holds text, of which no window can be asked exactly",
                where=self.place,
                remedy="read a view that casts it to a timestamp",
            )
        spell = {kind: self._spelled(column, kind) for kind in kinds}
        texts: list[bytes | None] = []
        for value in values:
            try:
                texts.append(None if value is None else spell[type(value)](value))
            except NotJson as error:
                raise DataError(
                    "a list or an object holds what JSON cannot",
                    where=self._place(rows[len(texts)], column),
                    remedy="mend the row, or read a view that casts it to text",
                ) from error
        return texts

    def _place(self, row: Sequence[Any], column: SourceColumn) -> str:
        """As `place_of` names a value, before there is a batch."""
        ids = pa.RecordBatch.from_arrays(
            [
                pa.array([None if value is None else str(value)])
                for id_column, value in zip(self.columns, row, strict=True)
                if id_column.name in IDS
            ],
            names=[id_column.name for id_column in self.columns if id_column.name in IDS],
        )
        return place_of(ids, 0, column.name)

    def _spelled(self, column: SourceColumn, kind: type) -> Callable[[Any], bytes]:
        """How values of the Python type `kind` become texts."""
        for known in kind.__mro__:
            if known in SPELLED:
                spelled = SPELLED[known]
                return partial(_finite, spelled) if self.infinite and issubclass(kind, date) else spelled
        raise SourceError(
            f"the driver gives the column of {column.name} as {kind.__name__}, which is not read",
            where=self.place,
            remedy="leave the field out, or read a view that casts it to text",
        )

    def _compact(self, texts: list[bytes | None]) -> pa.Array:
        """JSON as SQLite writes it, so that the files are the same; marked where it does not parse."""
        spelled = [
            text if text is None else self.json.execute(COMPACT, (BAD_JSON, text)).fetchone()[0]
            for text in texts
        ]
        return pa.array(spelled, pa.binary()).view(pa.string())


def _finite(spelled: Callable[[Any], bytes], value: date) -> bytes:
    """The calendar's first and last moment are infinity, which `conform` refuses, with the row."""
    clock = value.replace(tzinfo=None) if isinstance(value, datetime) else value
    return INFINITY if clock in ENDS else spelled(value)


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
        raise NotJson from error
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
    float: lambda number: real_text(float(number)).encode(),
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
