"""Parquet with the plan's types: decimals exact, timestamps in UTC milliseconds, row groups of a fixed size."""

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from export_pipelines.encode.buffer import Buffer
from export_pipelines.encode.encoder import CellCounts, Columns
from export_pipelines.encode.regroup import Regroup
from export_pipelines.transform.schema import arrow_type

DICTIONARY_BYTES = 131_072  # of each column; a larger one seldom pays for its memory

# The most that pyarrow writes, seen over all kinds, codecs and lengths; for parts that are cut by bytes.
PAGE_BYTES = 512  # of one column in one row group: page headers, dictionary, checks of the codec
FOOTER_BYTES = 320  # of one column in one row group: its entry in the footer, with statistics
INDEX_BYTES = 4  # of one value: its place in the dictionary
FIXED_BYTES = 16  # of one value that is no text
LENGTH_BYTES = 4  # of one text
EXPANSION = 1.01  # what a codec makes of bytes that cannot be compressed


class ParquetEncoder:
    """One part. `codec` (none, gzip, zstd) works inside the file. A number without a declared scale is its exact text,
    since a column's type must stand before its first value is known.

    `encode` writes row groups of `group_rows` rows, however the frames are cut; `fit` makes each frame a group.
    """

    def __init__(self, columns: Columns, codec: str, level: int | None, group_rows: int) -> None:
        self.schema = pa.schema(
            pa.field(
                column.header,
                arrow_type(column.kind, column.scale),
            )
            for column in columns
        )
        self.codec, self.level = codec, level
        self.counts = CellCounts()
        self._groups = Regroup(group_rows)
        self._texts = [
            column.id
            for column, field in zip(columns, self.schema, strict=True)
            if pa.types.is_string(field.type)
        ]
        self._empty_bytes = len(self.begin() + self.end(True))

    def begin(self) -> bytes:
        self._buffer, self._groups_written = Buffer(), 0
        self._writer = pq.ParquetWriter(
            pa.PythonFile(self._buffer, mode="w"),
            self.schema,
            compression=self.codec,
            compression_level=self.level,
            dictionary_pagesize_limit=DICTIONARY_BYTES,
            # the footer repeats the least and the greatest text of every group, as long as they are
            write_statistics=[field.name for field in self.schema if not pa.types.is_string(field.type)],
        )
        return self._buffer.take()

    def encode(self, frame: pl.DataFrame, first: bool) -> bytes:
        for group in self._groups.push(frame):
            self._write(group)
        return self._buffer.take()

    def fit(self, frame: pl.DataFrame, first: bool, free: int) -> tuple[int, bytes]:
        rows, room = len(frame), free - self._empty_bytes
        least = int(first)
        while rows > least and (size := self._most(frame[:rows])) > room:
            rows = max(min(rows - 1, int(rows * room / size)), least)
        if not rows:
            return 0, b""
        self._write(frame[:rows])
        return rows, self._buffer.take()

    def end(self, empty: bool) -> bytes:
        for group in self._groups.remainder():
            self._write(group)
        self._writer.close()
        return self._buffer.take()

    def _most(self, frame: pl.DataFrame) -> int:
        """Bytes that `frame` as a row group adds at most, with the footer's entries for it and the groups before."""
        width = len(self.schema)
        texts = (
            frame.select(pl.col(self._texts).str.len_bytes().sum()).sum_horizontal().sum()
            if self._texts
            else 0
        )
        lengths = LENGTH_BYTES * len(self._texts) + FIXED_BYTES * (width - len(self._texts))
        values = (int(texts) + len(frame) * (lengths + INDEX_BYTES * width)) * EXPANSION
        entries = sum(FOOTER_BYTES + len(name.encode()) for name in self.schema.names)
        return int(values) + PAGE_BYTES * width + entries * (self._groups_written + 1)

    def _write(self, frame: pl.DataFrame) -> None:
        table = frame.to_arrow().rename_columns(self.schema.names).cast(self.schema)
        self._writer.write_table(table, row_group_size=max(len(frame), 1))
        self._groups_written += 1
