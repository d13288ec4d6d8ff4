"""The rows of MariaDB's text protocol, as the socket brings them, become Arrow columns: no object for a value, so
that a million rows of fifty columns take seconds. What comes out is what the server spelled, byte for byte."""

import struct
from collections.abc import Generator, Sequence
from io import BufferedReader
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from export_pipelines.errors import ExportError

BLOCK_BYTES, BLOCK_ROWS = 4 * 1024 * 1024, 8192
HEADER = struct.Struct("<I")  # three bytes of length, one that counts
HEADER_BYTES, FULL_PACKET = 4, 0xFFFFFF  # a full packet goes on in the next one
NULL, END, REFUSED = 0xFB, 0xFE, 0xFF
LENGTH_BYTES = {0xFC: 2, 0xFD: 3, 0xFE: 8}
END_BYTES = 9  # a shorter packet that begins with END ends the rows

Numbers = npt.NDArray[np.int64]


class Refused(Exception):
    """The server sent an error instead of the next row; `packet` is as it came."""

    def __init__(self, packet: bytes) -> None:
        self.packet = packet
        super().__init__("the server stopped")


def read_rows(stream: BufferedReader, columns: int) -> Generator[list[pa.Array], None, int]:
    """The columns of each block of rows, as texts that nobody has looked into; returns the number of warnings.

    `stream` stands before the first row. Raises Refused, and OSError where the rows end too early.
    """
    block = _Block()
    # what the stream holds already; past that, straight from the socket, since a stream waits for more than there is
    block.take(stream.read1(BLOCK_BYTES))
    while True:
        if block.starts and (block.is_full or block.end is not None):
            yield decoded(block.bytes, block.starts, block.ends, columns)
            block.drop_rows()
        if block.end is not None:
            break
        block.fill(stream.raw)
    if block.end[0] == REFUSED:
        raise Refused(block.end)
    return int.from_bytes(block.end[1:3], "little")


class _Block:
    """Bytes as they come, and where in them the rows lie that are whole."""

    def __init__(self) -> None:
        self.bytes = bytearray(BLOCK_BYTES)
        self.filled = self.walked = 0
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.end: bytes | None = None  # the packet after the last row

    @property
    def is_full(self) -> bool:
        return self.filled == len(self.bytes) or len(self.starts) >= BLOCK_ROWS

    def take(self, data: bytes) -> None:
        """The first bytes."""
        self.bytes[: len(data)] = data
        self._grow(len(data))

    def fill(self, socket: Any) -> None:
        """What the socket has, at most what there is room for."""
        if self.filled == len(self.bytes):  # one row that is larger
            self.bytes = self.bytes + bytearray(len(self.bytes))
        with memoryview(self.bytes) as view:
            self._grow(socket.readinto(view[self.filled :]) or 0)

    def _grow(self, got: int) -> None:
        if not got:
            raise ConnectionError("the server hung up in the middle of the rows")
        self.filled += got
        self._walk()

    def drop_rows(self) -> None:
        """Keeps the beginning of the next row."""
        tail = self.bytes[self.walked : self.filled]
        self.bytes[: len(tail)] = tail
        self.filled, self.walked = len(tail), 0
        self.starts.clear()
        self.ends.clear()

    def _walk(self) -> None:
        data, at, filled = self.bytes, self.walked, self.filled
        unpack = HEADER.unpack_from
        while at + HEADER_BYTES <= filled:
            length = unpack(data, at)[0] & FULL_PACKET
            start = at + HEADER_BYTES
            if length == FULL_PACKET:
                joined = self._join(start)
                if joined is None:
                    break
                length, filled = joined, self.filled
            if start + length > filled:
                break
            first = data[start]
            if first == REFUSED or (first == END and length < END_BYTES):
                self.end = bytes(data[start : start + length])
                break
            self.starts.append(start)
            at = start + length
            self.ends.append(at)
        self.walked = at

    def _join(self, start: int) -> int | None:
        """The length of a row of several packets, once all are there: their headers are taken out."""
        headers, at, length = [], start, FULL_PACKET
        while length == FULL_PACKET:
            at += length
            if at + HEADER_BYTES > self.filled:
                return None
            headers.append(at)
            length = HEADER.unpack_from(self.bytes, at)[0] & FULL_PACKET
            at += HEADER_BYTES
        if at + length > self.filled:
            return None
        for header in reversed(headers):
            self.bytes[header : self.filled - HEADER_BYTES] = self.bytes[header + HEADER_BYTES : self.filled]
            self.filled -= HEADER_BYTES
        return at + length - start - HEADER_BYTES * len(headers)


def decoded(data: bytearray, starts: Sequence[int], ends: Sequence[int], columns: int) -> list[pa.Array]:
    """The cells of the rows that lie from `starts` to `ends`, by column; each cell is its length and its bytes."""
    raw = np.frombuffer(data, np.uint8)
    buffer = pa.py_buffer(data)
    at = np.asarray(starts, np.int64)
    cells = np.arange(0, 2 * len(at), 2)
    arrays = []
    for _ in range(columns):
        at, lengths, nulls = _lengths(raw, at)
        # Arrow's text is a list of edges in one run of bytes: every second one is a cell, the others lie between
        edges = np.empty(2 * len(at), np.int32)
        edges[0::2], edges[1::2] = at, at + lengths
        texts = pa.Array.from_buffers(pa.string(), len(edges) - 1, [None, pa.py_buffer(edges), buffer])
        arrays.append(texts.take(pa.array(cells, mask=nulls)))
        at = at + lengths
    if not np.array_equal(at, ends):
        raise ExportError("the server's rows cannot be told apart")
    return arrays


def _lengths(
    raw: npt.NDArray[np.uint8], at: Numbers
) -> tuple[Numbers, Numbers, npt.NDArray[np.bool_] | None]:
    """Where the bytes of these cells begin, how many they are, and which cells are null."""
    lengths = raw[at].astype(np.int64)
    at = at + 1
    if lengths.max() < NULL:
        return at, lengths, None
    first = lengths.copy()
    for mark, size in LENGTH_BYTES.items():
        (long,) = np.nonzero(first == mark)
        if len(long):
            digits = raw[at[long, None] + np.arange(size)].astype(np.int64)
            lengths[long] = (digits << (8 * np.arange(size))).sum(axis=1)
            at[long] += size
    nulls = first == NULL
    lengths[nulls] = 0
    return at, lengths, nulls
