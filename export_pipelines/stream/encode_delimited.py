"""CSV and TSV to the byte: UTF-8, LF, minimal quoting, null is nothing and the empty string is `""`, unless asked otherwise."""

import re
from collections.abc import Iterator
from itertools import count
from typing import Any

import polars as pl

from export_pipelines.catalog import Kind
from export_pipelines.stream.buffer import csv_bytes
from export_pipelines.stream.encoder import Columns, Fitting
from export_pipelines.stream.timestamps import with_timestamp_texts

FORMULA_STARTS = r"^[=+\-@\t\r]"  # what a spreadsheet runs; text columns only, so a negative number stays one
LIKE_A_VALUE = re.compile(r"[-\d]|true|false")  # a marker that a number, date or boolean could be spelled as

BOM = b"\xef\xbb\xbf"
QUOTES: dict[str, Any] = {
    "minimal": "necessary",
    "text": "non_numeric",
    "all": "always",
}  # as Polars names them
LINE_ENDINGS = {"lf": "\n", "crlf": "\r\n"}
ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
ESCAPED_NULL = "\\N"

SPELLED = pl.all().cast(pl.String)


class DelimitedEncoder:
    """One part of CSV (`separator` ",") or TSV (tab), with the options of `definition/output.py`.

    Null is `null_marker`, and a value that equals the marker is quoted. A column that stands alone writes null as `""`
    unless it has a marker: readers skip an empty line, and a lost row is worse than a null that reads as empty.
    """

    def __init__(self, separator: str, columns: Columns, options: dict[str, Any]) -> None:
        self.columns = columns
        self.null_marker = str(options.get("null_marker") or "")
        self.escaped = options.get("escape") == "backslash"
        quote = options.get("quote", "minimal")
        alone = '""' if len(columns) == 1 and quote != "all" else ""
        self.writing: dict[str, Any] = {
            "separator": options.get("delimiter", separator),
            "line_terminator": LINE_ENDINGS[options.get("line_ending", "lf")],
            "quote_style": "never" if self.escaped else QUOTES[quote],
            "null_value": ESCAPED_NULL if self.escaped else self.null_marker or alone,
        }
        self.bom = BOM if options.get("bom") else b""
        self.safe = bool(options.get("spreadsheet_safe"))
        self.neutralised = 0
        self._fitting = Fitting()

    def begin(self) -> bytes:
        names = [column.id for column in self.columns]
        headers = [[self._header(column.header)] for column in self.columns]
        return self.bom + self._write(pl.DataFrame(headers, schema=names))

    def _header(self, header: str) -> str:
        """Of a pivot, it is a value."""
        return f"'{header}" if self.safe and re.match(FORMULA_STARTS, header) else header

    def encode(self, frame: pl.DataFrame, first: bool) -> bytes:
        self._count(frame)
        return self._body(frame)

    def fit(self, frame: pl.DataFrame, first: bool, free: int) -> tuple[int, bytes]:
        rows, data = self._fitting.fit(self._body, frame, first, free)
        self._count(frame[:rows])
        return rows, data

    def end(self, empty: bool) -> bytes:
        return b""

    def spelled(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Every value as the text that its cell means; null stays null."""
        return self._neutralise(with_timestamp_texts(frame)).select(SPELLED)

    def _body(self, frame: pl.DataFrame) -> bytes:
        frame = self._neutralise(with_timestamp_texts(frame))
        if not self.null_marker or self.writing["quote_style"] != "necessary":
            return self._write(frame)
        if LIKE_A_VALUE.match(self.null_marker):
            frame = frame.select(SPELLED)
        return self._with_quoted_markers(frame)

    def _formulas(self) -> Iterator[tuple[str, pl.Expr]]:
        """Text columns with the test for a cell that a spreadsheet would run."""
        for column in self.columns:
            if self.safe and column.kind is Kind.TEXT:
                yield column.id, pl.col(column.id).str.contains(FORMULA_STARTS)

    def _count(self, frame: pl.DataFrame) -> None:
        for _, runs in self._formulas():
            self.neutralised += int(frame.select(runs.sum()).item())

    def _neutralise(self, frame: pl.DataFrame) -> pl.DataFrame:
        if not self.safe:
            return frame
        return frame.with_columns(
            pl.when(runs).then(pl.lit("'") + pl.col(id)).otherwise(pl.col(id)).alias(id)
            for id, runs in self._formulas()
        )

    def _with_quoted_markers(self, frame: pl.DataFrame) -> bytes:
        """Polars quotes no text because it reads like the marker: a stand-in is written, and replaced afterwards."""
        text = self._write(frame)
        alike = {
            name: pl.col(name) == self.null_marker for name, type in frame.schema.items() if type == pl.String
        }
        if not alike or not frame.select(pl.any_horizontal(one.any() for one in alike.values())).item():
            return text
        stand_in = next(one for n in count() if (one := f"\x00{n}\x00").encode() not in text)
        replaced = frame.with_columns(
            pl.when(found).then(pl.lit(stand_in)).otherwise(pl.col(name)).alias(name)
            for name, found in alike.items()
        )
        return self._write(replaced).replace(stand_in.encode(), f'"{self.null_marker}"'.encode())

    def _write(self, frame: pl.DataFrame) -> bytes:
        if self.escaped:
            texts = pl.col(pl.String).str.replace_many(list(ESCAPES), list(ESCAPES.values()))
            frame = frame.with_columns(texts)
        return csv_bytes(frame, **self.writing)
