"""Parquet with the plan's types: decimals exact, timestamps in UTC milliseconds, row groups of a fixed size."""

from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from export_pipelines.catalog import Kind
from export_pipelines.stream.encoder import Columns
from export_pipelines.stream.schema import arrow_type

PAGE_BYTES = 512  # headers and statistics of one column in one row group, at most
CODECS = {"none": "none", "gzip": "gzip", "zstd": "zstd"}


class _Buffer:
    """A file for pyarrow to write to, emptied after every batch; positions count on."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.position = 0
        self.closed = False

    def write(self, data: Any) -> int:
        chunk = bytes(data)
        self.chunks.append(chunk)
        self.position += len(chunk)
        return len(chunk)

    def take(self) -> bytes:
        data, self.chunks = b"".join(self.chunks), []
        return data

    def tell(self) -> int:
        return self.position

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


class ParquetEncoder:
    """One part. `codec` (none, gzip, zstd) works inside the file. A number without a declared scale is its exact text.

    `group_rows`: rows of a row group, the same however the frames are cut; None makes each frame a group, for parts
    that are cut by bytes.
    """

    def __init__(self, columns: Columns, codec: str, level: int | None, group_rows: int | None) -> None:
        self.schema = pa.schema(
            pa.field(
                column.header,
                pa.string() if column.kind is Kind.NUMBER else arrow_type(column.kind, column.scale),
            )
            for column in columns
        )
        self.codec, self.level, self.group_rows = CODECS[codec], level, group_rows
        self.neutralised = 0
        self._waiting: list[pl.DataFrame] = []
        self._rows = 0

    def begin(self) -> bytes:
        self._buffer = _Buffer()
        self._writer = pq.ParquetWriter(
            pa.PythonFile(self._buffer, mode="w"),
            self.schema,
            compression=self.codec,
            compression_level=self.level,
        )
        return self._buffer.take()

    def encode(self, frame: pl.DataFrame, first: bool) -> bytes:
        self._waiting.append(frame)
        self._rows += len(frame)
        while self._rows >= (group := self.group_rows or self._rows or 1):
            whole = pl.concat(self._waiting)
            self._write(whole[:group])
            self._waiting, self._rows = [whole[group:]], len(whole) - group
        return self._buffer.take()

    def end(self, empty: bool) -> bytes:
        if self._rows:
            self._write(pl.concat(self._waiting))
        self._waiting, self._rows = [], 0
        self._writer.close()
        return self._buffer.take()

    def measure(self, frame: pl.DataFrame) -> int:
        return int(frame.estimated_size()) + PAGE_BYTES * len(self.schema)

    def _write(self, frame: pl.DataFrame) -> None:
        table = frame.to_arrow().rename_columns(self.schema.names).cast(self.schema)
        self._writer.write_table(table, row_group_size=max(len(frame), 1))
