"""Values as they stand inside JSON become the texts that they mean: `"a\\n"` its letters, `1.10` as it is, null nothing."""

import json
from collections.abc import Callable
from ctypes import c_bool, c_int64, c_void_p
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from export_pipelines.transform.letters import Letters, room, with_nulls

_library = np.ctypeslib.load_library("_json_texts", Path(__file__).parent)
_library.without_blanks.argtypes = (c_void_p, c_void_p, c_int64, c_void_p, c_void_p)
_library.meanings.argtypes = (*_library.without_blanks.argtypes, c_void_p)
_library.without_blanks.restype = _library.meanings.restype = None
_library.any_blanks.argtypes, _library.any_blanks.restype = (c_void_p, c_void_p, c_int64), c_bool
NULL = pl.Series([None], dtype=pl.String)
NOTHING, ESCAPED = 1, 2  # kinds of values, as `json_texts.c` names them


class HalfCharacter(ValueError):
    """A text holds half of a surrogate pair, which is no character; `row` is its position."""

    def __init__(self, row: int) -> None:
        self.row = row
        super().__init__("half a character")


def meant(values: pa.Array) -> pl.Series:
    """The texts that JSON values mean; of a list or an object, and of a number, its letters. Raises HalfCharacter."""
    letters = Letters.of(values)
    kinds = np.zeros(len(letters), np.uint8)
    written = _written(_library.meanings, letters, kinds.ctypes.data)
    is_text = kinds != NOTHING if letters.valid is None else letters.valid & (kinds != NOTHING)
    if not is_text.all():
        written = with_nulls(written, is_text)
    texts = pl.Series("", written)
    rows = np.flatnonzero((kinds == ESCAPED) & is_text).tolist()
    return texts.scatter(rows, [_decoded(values[row].as_py(), row) for row in rows]) if rows else texts


def without_nulls(values: pl.Series) -> pl.Series:
    """JSON values, null as no value."""
    is_null = values == "null"
    return values.zip_with(~is_null.fill_null(False), NULL) if is_null.any() else values


def without_blanks(texts: pa.Array) -> pa.Array:
    """JSON without the blanks between its letters: most is stored so, and stays what it is."""
    letters = Letters.of(texts)
    if not _library.any_blanks(letters.bytes.ctypes.data, letters.starts.ctypes.data, len(letters)):
        return texts
    compact = _written(_library.without_blanks, letters)
    return (compact if letters.valid is None else with_nulls(compact, letters.valid)).cast(texts.type)


def _written(function: Callable[..., None], letters: Letters, *more: int) -> pa.LargeStringArray:
    """The texts that a function of the library writes."""
    output, begins = room(len(letters.bytes)), np.empty(len(letters) + 1, np.int64)
    addresses = (array.ctypes.data for array in (letters.bytes, letters.starts))
    function(*addresses, len(letters), output.ctypes.data, begins.ctypes.data, *more)
    return Letters.from_bytes(begins, output[: begins[-1]]).texts


def _decoded(value: str, row: int) -> str:
    text: str = json.loads(value)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise HalfCharacter(row) from error
    return text
