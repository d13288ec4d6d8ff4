"""Parquet with the plan's types: decimals exact, timestamps in UTC milliseconds, row groups of a fixed size."""

from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from export_pipelines.catalog import Kind
from export_pipelines.stream.encoder import Columns
from export_pipelines.stream.schema import arrow_type

ROW_GROUP_ROWS = 65_536
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
    """One part. `codec` (none, gzip, zstd) works inside the file. A number without a declared scale is its exact text."""

    def __init__(self, columns: Columns, codec: str, level: int | None) -> None:
        self.schema = pa.schema(
            pa.field(column.header, pa.string() if column.kind is Kind.NUMBER else arrow_type(column.kind, column.scale))
            for column in columns
        )
        self.codec, self.level = CODECS[codec], level
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

    def encode(self, frame: pl.DataFrame) -> bytes:
        """Row groups hold the same rows however the frames are cut, so that equal rows give equal bytes."""
        self._waiting.append(frame)
        self._rows += len(frame)
        while self._rows >= ROW_GROUP_ROWS:
            whole = pl.concat(self._waiting)
            self._write(whole[:ROW_GROUP_ROWS])
            self._waiting = [whole[ROW_GROUP_ROWS:]]
            self._rows = len(self._waiting[0])
        return self._buffer.take()

    def end(self) -> bytes:
        if self._rows:
            self._write(pl.concat(self._waiting))
        self._waiting, self._rows = [], 0
        self._writer.close()
        return self._buffer.take()

    def _write(self, frame: pl.DataFrame) -> None:
        table = frame.to_arrow().rename_columns(self.schema.names).cast(self.schema)
        self._writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
