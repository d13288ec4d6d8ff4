"""CSV and TSV to the byte: UTF-8, LF, minimal quoting, null is nothing and the empty string is `""`, unless asked otherwise."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any

import polars as pl

from export_pipelines.catalog import Kind
from export_pipelines.encode.buffer import csv_bytes
from export_pipelines.encode.encoder import CellCounts, Columns, Fitting
from export_pipelines.encode.formulas import FORMULA_STARTS, header_in_file
from export_pipelines.transform.timestamp_texts import with_timestamp_texts

BLANK = r"^\s+$"
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
    unless it has a marker, and quotes blanks: readers skip an empty line, and a lost row is worse than a null that reads
    as empty. `counts.like_null` has the values that equal the marker, since many readers do not mind the quotes;
    of personal columns it has none, since whoever chooses the marker would learn how often a value is there.
    """

    def __init__(self, separator: str, columns: Columns, options: dict[str, Any]) -> None:
        self.columns = columns
        self.null_marker = str(options.get("null_marker") or "")
        self.escaped = options.get("escape") == "backslash"
        quote = options.get("quote", "minimal")
        self.alone = len(columns) == 1
        empty = '""' if self.alone and quote != "all" else ""
        self.writing: dict[str, Any] = {
            "separator": options.get("delimiter", separator),
            "line_terminator": LINE_ENDINGS[options.get("line_ending", "lf")],
            "quote_style": "never" if self.escaped else QUOTES[quote],
            "null_value": ESCAPED_NULL if self.escaped else self.null_marker or empty,
        }
        self.bom = BOM if options.get("bom") else b""
        self.safe = bool(options.get("spreadsheet_safe"))
        self.headers = [header_in_file(column.header, options) for column in columns]
        self.stated = [] if self.escaped else [column.id for column in columns if column.is_stated]
        self.counts = CellCounts()
        self._fitting = Fitting()

    def begin(self) -> bytes:
        names = [column.id for column in self.columns]
        return self.bom + self._write(pl.DataFrame([[header] for header in self.headers], schema=names))

    def encode(self, frame: pl.DataFrame, first: bool) -> bytes:
        spelled = self._spelled(frame)
        self._count(frame, spelled)
        return self._body(spelled)

    def fit(self, frame: pl.DataFrame, first: bool, free: int) -> tuple[int, bytes]:
        spelled = self._spelled(frame)
        rows, data = self._fitting.fit(self._body, spelled, first, free)
        self._count(frame[:rows], spelled[:rows])
        return rows, data

    def end(self, empty: bool) -> bytes:
        return b""

    def spelled(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Every value as the text that its cell means; null stays null."""
        return self._spelled(frame).select(SPELLED)

    def _spelled(self, frame: pl.DataFrame) -> pl.DataFrame:
        """As text what Polars spells otherwise, and what must be compared with the marker."""
        frame = with_timestamp_texts(self._neutralise(frame))
        return frame.select(SPELLED) if self.null_marker and LIKE_A_VALUE.match(self.null_marker) else frame

    def _formulas(self) -> Iterator[tuple[str, pl.Expr]]:
        """Text columns with the test for a cell that a spreadsheet would run."""
        for column in self.columns:
            if self.safe and column.kind is Kind.TEXT:
                yield column.id, pl.col(column.id).str.contains(FORMULA_STARTS)

    def _count(self, frame: pl.DataFrame, spelled: pl.DataFrame) -> None:
        for _, runs in self._formulas():
            self.counts.neutralised += int(frame.select(runs.sum()).item())
        schema = spelled.schema  # made anew each time
        for name in self.stated:
            if schema[name] != pl.String:
                continue
            self.counts.like_null[name] += int((spelled[name] == self.null_marker).sum())
        self.counts.like_null += Counter()  # without columns that have none

    def _neutralise(self, frame: pl.DataFrame) -> pl.DataFrame:
        if not self.safe:
            return frame
        return frame.with_columns(
            pl.when(runs).then(pl.lit("'") + pl.col(id)).otherwise(pl.col(id)).alias(id)
            for id, runs in self._formulas()
        )

    def _body(self, spelled: pl.DataFrame) -> bytes:
        """Polars quotes no text because it reads like the marker, or as an empty line: stand-ins are written around it, and
        replaced afterwards."""
        text = self._write(spelled)
        bare = {
            name: bare
            for name, type in spelled.schema.items()
            if type == pl.String and (bare := self._wrongly_bare(pl.col(name))) is not None
        }
        if (
            not bare
            or not spelled.select(pl.any_horizontal(condition.any() for condition in bare.values())).item()
        ):
            return text
        stand_in = next(mark for n in count() if (mark := f"\x00{n}\x00").encode() not in text)
        wrapped = spelled.with_columns(
            pl.when(condition)
            .then(pl.concat_str(pl.lit(stand_in), name, pl.lit(stand_in)))
            .otherwise(name)
            .alias(name)
            for name, condition in bare.items()
        )
        return self._write(wrapped).replace(stand_in.encode(), b'"')

    def _wrongly_bare(self, value: pl.Expr) -> pl.Expr | None:
        """The test for a text that must be quoted, and that Polars would write without quotes."""
        if self.writing["quote_style"] != "necessary":
            return None
        if self.null_marker:
            return value == self.null_marker
        if self.alone:
            quoted = "\r\n" + self.writing["separator"]
            return value.str.contains(BLANK) & ~value.str.contains(f"[{re.escape(quoted)}]")
        return None

    def _write(self, frame: pl.DataFrame) -> bytes:
        if self.escaped:
            texts = pl.col(pl.String).str.replace_many(list(ESCAPES), list(ESCAPES.values()))
            frame = frame.with_columns(texts)
        return csv_bytes(frame, **self.writing)
