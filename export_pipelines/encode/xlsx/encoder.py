"""XLSX in constant memory: XlsxWriter makes the workbook around the rows, rows are typed cells, streamed into its sheet.

Numbers are doubles there: one of more than 15 digits, and a day before March 1900, is written as text, exactly."""

import zipfile
import zlib
from collections.abc import Collection
from typing import Any

import polars as pl

from export_pipelines.catalog import Kind
from export_pipelines.encode.buffer import Buffer
from export_pipelines.encode.encoder import CellCounts, Columns, Fitting
from export_pipelines.encode.xlsx.empty_book import SHARED, SHEET, Book, book_of
from export_pipelines.encode.xlsx.shared_strings import SharedTexts
from export_pipelines.encode.xlsx.sheet_cells import as_text, cells_of
from export_pipelines.errors import LimitReached, RequestError

MAX_COLUMNS = 16_384
MAX_SHEET_BYTES = 2**32 - 2**20  # of a member without the extension for more, which Excel wants to repair
LEVEL = 4  # of zlib: half the time of 6, files a tenth larger
CHUNK_BYTES = 65_536  # what the codec is fed with, so that its output does not depend on how rows came in
MARGIN = 1.1  # what a piece may become longer when it is compressed in the stream instead of alone
TEXTS = (Kind.TEXT, Kind.JSON)
SHARED_END = "</sst>"
FIRST_MOMENT = (1980, 1, 1, 0, 0, 0)


class XlsxEncoder:
    """One part: a workbook of one sheet, its header frozen. Option `header` is in the columns already.

    Text is never run as a formula: it is stored as text, in cells of the format Text.
    """

    def __init__(self, columns: Columns, options: dict[str, Any]) -> None:
        if len(columns) > MAX_COLUMNS:
            raise RequestError(
                f"{len(columns):,} columns, and a sheet of xlsx holds {MAX_COLUMNS:,}; nothing was written",
                where="format",
                remedy="choose fewer fields or metrics, or another format",
            )
        self.columns = columns
        self.counts = CellCounts()
        self.book: Book = book_of(columns)
        self.row = self._row()
        self._texts = [column.id for column in columns if column.kind in TEXTS]
        self._as_text = dict(as_text(columns))
        self._fitting = Fitting()
        self.begin()
        self._end_bytes = len(self.end(True)) + len(zlib.compress(self.book.head.encode()))

    def begin(self) -> bytes:
        self._buffer, self._waiting, self._rows, self._size = Buffer(), bytearray(), 1, 0
        self._shared = SharedTexts(self.book.shared.count("<si>"))
        self._zip = _Archive(self._buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL)
        for name, data in self.book.members.items():
            self._zip.writestr(_member(name), data, compresslevel=LEVEL)
        self._sheet = self._zip.open(_member(SHEET), "w")
        self._feed(self.book.head.encode())
        data = self._buffer.take()
        self._given, self._most = len(data), float(len(data))
        return data

    def encode(self, frame: pl.DataFrame, first: bool) -> bytes:
        self._feed(self._text(frame))
        self._rows += len(frame)
        if self._as_text:
            counts = frame.select(test.sum().alias(id) for id, test in self._as_text.items()).row(
                0, named=True
            )
            self.counts.as_text += {id: count for id, count in counts.items() if count}
        return self._taken()

    def fit(self, frame: pl.DataFrame, first: bool, free: int) -> tuple[int, bytes]:
        room = (self._given + free - self._most - self._end_bytes) / MARGIN
        rows, packed = self._fitting.fit(self._packed, frame, first, int(room))
        if not rows:
            return 0, b""
        self._most += len(packed) * MARGIN
        return rows, self.encode(frame[:rows], first)

    def end(self, empty: bool) -> bytes:
        self._feed(self.book.tail.encode())
        self._sheet.write(bytes(self._waiting))
        self._sheet.close()
        self._zip.writestr(
            _member(SHARED), self.book.shared.replace(SHARED_END, self._shared.xml() + SHARED_END)
        )
        self._zip.close()
        return self._buffer.take()

    def _row(self, written: Collection[str] = ()) -> pl.Expr:
        return pl.concat_str(cells_of(self.columns, self.book.styles, written)).alias("row")

    def _text(self, frame: pl.DataFrame) -> bytes:
        written = self._shared.cells(frame, self._texts)
        numbered = frame.with_row_index("#", offset=self._rows + 1)
        if not written:
            return "".join(numbered.select(self.row)["row"]).encode()
        cells = numbered.with_columns(cell.alias(f"#{id}") for id, cell in written.items())
        return "".join(cells.select(self._row(written))["row"]).encode()

    def _packed(self, frame: pl.DataFrame) -> bytes:
        """About what these rows take in the file, which does not hold them yet."""
        shared = len(self._shared)
        rows = self._text(frame)
        texts = self._shared.xml(shared)
        self._shared.cut(shared)
        return zlib.compress(rows, LEVEL) + (zlib.compress(texts.encode(), LEVEL) if texts else b"")

    def _feed(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > MAX_SHEET_BYTES:
            raise LimitReached(
                "the rows do not fit into one file of xlsx; nothing was kept",
                where="format",
                remedy="say split: {rows: ...}, or take another format",
            )
        self._waiting += data
        full = len(self._waiting) - len(self._waiting) % CHUNK_BYTES
        for start in range(0, full, CHUNK_BYTES):
            self._sheet.write(bytes(memoryview(self._waiting)[start : start + CHUNK_BYTES]))
        del self._waiting[:full]

    def _taken(self) -> bytes:
        data = self._buffer.take()
        self._given += len(data)
        return data


class _Archive(zipfile.ZipFile):
    def __del__(self) -> None:
        """A part that was given up is not finished, and that is no fault to tell of."""


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, FIRST_MOMENT)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3
    info.external_attr = 0o600 << 16
    return info
