"""CSV and TSV to the byte: UTF-8, LF, minimal quoting, null is nothing and the empty string is `""`."""

from io import BytesIO
from typing import Any

import polars as pl

from export_pipelines.catalog import Kind
from export_pipelines.stream.encoder import Columns
from export_pipelines.stream.schema import TIMESTAMP_FORMAT

FORMULA_STARTS = r"^[=+\-@\t\r]"  # what a spreadsheet runs; text columns only, so a negative number stays one
STAND_IN = "\x00=null marker\x00"  # while Polars writes, for a text that reads like the null marker


class DelimitedEncoder:
    """One part of CSV (`separator` ",") or TSV (tab). Options: `null_marker`, `spreadsheet_safe`.

    Null is `null_marker`, and a text that equals the marker is quoted. A column that stands alone writes null as `""`
    unless it has a marker: readers skip an empty line, and a lost row is worse than a null that reads as empty.
    """

    def __init__(self, separator: str, columns: Columns, options: dict[str, Any]) -> None:
        self.separator = separator
        self.columns = columns
        self.null_marker = str(options.get("null_marker") or "")
        self.null = self.null_marker or ('""' if len(columns) == 1 else "")
        self.safe = bool(options.get("spreadsheet_safe"))
        self.neutralised = 0

    def begin(self) -> bytes:
        headers = pl.DataFrame([[column.header] for column in self.columns], schema=self._names())
        return self._write(headers)

    def encode(self, frame: pl.DataFrame, first: bool) -> bytes:
        if self.safe:
            frame, cells = self._neutralise(frame)
            self.neutralised += cells
        return self._body(frame)

    def end(self, empty: bool) -> bytes:
        return b""

    def measure(self, frame: pl.DataFrame) -> int:
        return len(self._body(self._neutralise(frame)[0] if self.safe else frame))

    def _body(self, frame: pl.DataFrame) -> bytes:
        return self._quote_markers(frame) if self.null_marker else self._write(frame)

    def _names(self) -> list[str]:
        return [column.id for column in self.columns]

    def _texts(self) -> list[str]:
        return [column.id for column in self.columns if column.kind is Kind.TEXT]

    def _neutralise(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
        runs = {id: pl.col(id).str.contains(FORMULA_STARTS) for id in self._texts()}
        if not runs:
            return frame, 0
        cells = int(frame.select(pl.sum_horizontal(one.sum() for one in runs.values())).item())
        return frame.with_columns(
            pl.when(found).then(pl.lit("'") + pl.col(id)).otherwise(pl.col(id)).alias(id)
            for id, found in runs.items()
        ), cells

    def _quote_markers(self, frame: pl.DataFrame) -> bytes:
        alike = frame.with_columns(
            pl.when(pl.col(id) == self.null_marker).then(pl.lit(STAND_IN)).otherwise(pl.col(id)).alias(id)
            for id, type in frame.schema.items()
            if type == pl.String
        )
        return self._write(alike).replace(STAND_IN.encode(), f'"{self.null_marker}"'.encode())

    def _write(self, frame: pl.DataFrame) -> bytes:
        sink = BytesIO()
        frame.write_csv(
            sink,
            include_header=False,
            separator=self.separator,
            line_terminator="\n",
            quote_style="necessary",
            datetime_format=TIMESTAMP_FORMAT,
            null_value=self.null,
        )
        return sink.getvalue()
