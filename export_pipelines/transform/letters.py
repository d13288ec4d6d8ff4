"""The letters of all texts of a column side by side: one pass over them takes less time than a call for each text."""

from collections.abc import Container, Iterable
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import stringzilla as sz

Rows = npt.NDArray[np.int64]  # numbers of rows, ascending
Places = npt.NDArray[np.int64]  # of bytes, ascending
Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]  # by row, or by byte


def table(members: Container[int]) -> bytes:
    """Of all bytes, which are members."""
    return bytes(code in members for code in range(256))


def table_without(members: Container[int]) -> bytes:
    return bytes(code not in members for code in range(256))


NOT_DIGIT = table_without(b"0123456789")


def room(size: int) -> Flags:
    """Memory from Arrow's pool: what numpy takes itself is given back and fetched from the system each time, which
    takes longer than a pass over it."""
    return np.frombuffer(pa.allocate_buffer(size), np.bool_)


def arrow_texts(texts: pl.Series) -> pa.LargeStringArray:
    return texts.to_arrow(compat_level=pl.CompatLevel.oldest())


def array_of(values: Iterable[Any], type: pl.DataType | type[pl.DataType]) -> pa.Array:
    """Polars makes it, since whatever Arrow makes of Python's or numpy's values imports pandas, where that is installed."""
    return pl.Series("", values, type).to_arrow(compat_level=pl.CompatLevel.oldest())


def strings_of(texts: pa.Array) -> sz.Strs:
    """For StringZilla, which reads an array from the start of its buffers, whatever its offset is."""
    return sz.Strs(pa.concat_arrays([texts]) if texts.offset else texts)


def text_scalar(text: str) -> pa.StringScalar:
    """Arrow's own `scalar` imports pandas first, where that is installed, which takes longer than a small run."""
    data = text.encode()
    starts = np.array([0, len(data)], np.int32)
    return pa.StringArray.from_buffers(1, pa.py_buffer(starts), pa.py_buffer(data))[0]


VIEW_BYTES, LENGTH_BYTES, WITHIN_VIEW = 16, 4, 12  # of Arrow's views, which hold short texts themselves
EMPTY = text_scalar("").cast(pa.large_string())


class Letters:
    """Texts in UTF-8, and where each begins; null is as an empty text. `valid` tells which are not null, and is None
    if all are."""

    valid: Flags | None = None

    def __init__(self, texts: pa.LargeStringArray) -> None:
        self.texts = texts
        _, starts, data = texts.buffers()
        at = np.frombuffer(starts, np.int64)[texts.offset : texts.offset + len(texts) + 1]
        self.starts = at - at[0] if at[0] else at
        self.bytes = np.frombuffer(data or b"", np.uint8)[at[0] : at[-1]]

    @classmethod
    def of(cls, texts: pa.StringArray | pa.LargeStringArray) -> "Letters":
        """Without a copy of the letters; `texts` may be a slice, which stringzilla takes for the whole."""
        nulls, starts, data = texts.buffers()
        width = np.int32 if pa.types.is_string(texts.type) else np.int64
        at = np.frombuffer(starts, width)[texts.offset : texts.offset + len(texts) + 1]
        begin, end = int(at[0]), int(at[-1])
        letters = cls.from_bytes(
            np.subtract(at, begin, dtype=np.int64), data.slice(begin, end - begin) if data else b""
        )
        if not texts.null_count:
            return letters
        bits = np.unpackbits(np.frombuffer(nulls, np.uint8), bitorder="little")  # to_numpy imports pandas
        valid = bits[texts.offset : texts.offset + len(texts)].view(np.bool_)
        if ((letters.lengths > 0) > valid).any():  # few need the copy: most store nothing for null
            letters = cls(texts.cast(pa.large_string()).fill_null(EMPTY))
        letters.valid = valid
        return letters

    @classmethod
    def from_bytes(cls, starts: npt.NDArray[np.int64], data: Any) -> "Letters":
        """Texts from a buffer of UTF-8, and where each begins, and the last ends."""
        buffers = pa.py_buffer(starts), pa.py_buffer(data)
        return cls(pa.LargeStringArray.from_buffers(len(starts) - 1, *buffers))

    def replaced_by(self, texts: Bytes, rows: Flags) -> pl.Series:
        """Texts of one length, one for each row or one for all, in the place of those of `rows`; null stays null, all
        others become empty."""
        length = texts.shape[1]
        views = np.zeros((len(self), VIEW_BYTES), np.uint8)
        numbers = views.view(np.int32)
        buffers = [self.nulls, pa.py_buffer(views)]
        if length <= WITHIN_VIEW:
            views[:, LENGTH_BYTES : LENGTH_BYTES + length] = texts
        else:
            views[:, LENGTH_BYTES : 2 * LENGTH_BYTES] = texts[:, :LENGTH_BYTES]
            numbers[:, -1] = np.arange(len(self)) * length if len(texts) > 1 else 0
            buffers.append(pa.py_buffer(texts))
        numbers[:, 0] = length
        numbers[~rows] = 0
        return pl.Series("", pa.StringViewArray.from_buffers(pa.string_view(), len(self), buffers))

    @property
    def nulls(self) -> pa.Buffer | None:
        """Arrow's bits of those that are not null; None if all are so."""
        return None if self.valid is None else _bits(self.valid)

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """In bytes."""
        lengths: npt.NDArray[np.int64] = np.diff(self.starts)
        return lengths

    def take(self, rows: Rows) -> "Letters":
        return Letters(self.texts.take(array_of(rows, pl.Int64)))

    def without(self, members: bytes) -> "Letters":
        """The texts without the members of this `table`."""
        kept = np.flatnonzero(~self.are(members))
        return Letters.from_bytes(np.searchsorted(kept, self.starts), self.bytes[kept])

    def series(self) -> pl.Series:
        return pl.Series("", self.texts)

    def translated(self, alphabet: bytes) -> Bytes:
        """Each byte replaced by the one at its place in `alphabet`."""
        output = room(len(self.bytes)).view(np.uint8)
        sz.translate(self.bytes.data, alphabet, out=output)
        return output

    def are(self, members: bytes) -> Flags:
        """Of each byte, whether it is a member of this `table`."""
        return self.translated(members).view(np.bool_)

    def places(self, members: bytes) -> Places:
        """Where members of this `table` stand."""
        return np.flatnonzero(self.are(members))

    def rows_of(self, places: Places) -> Rows:
        """The rows in which these places lie."""
        rows = np.searchsorted(self.starts, places, "right") - 1
        return rows[np.flatnonzero(np.diff(rows, prepend=-1))]


def letters_of(texts: pl.Series) -> Letters:
    return Letters.of(arrow_texts(texts))


def with_nulls(texts: pa.LargeStringArray, valid: Flags) -> pa.LargeStringArray:
    """These texts, which are no slice, null but where they are `valid`."""
    return pa.LargeStringArray.from_buffers(len(texts), *texts.buffers()[1:], _bits(valid))


def _bits(valid: Flags) -> pa.Buffer:
    return pa.py_buffer(np.packbits(valid, bitorder="little"))
