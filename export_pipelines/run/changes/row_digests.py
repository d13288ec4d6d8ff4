"""Digests of rows: of each row a mark of its key and a digest of all of its values, both keyed, so that without the key
they tell nothing."""

from functools import reduce

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import stringzilla as sz

from export_pipelines.errors import DataError
from export_pipelines.mask.keys import Keys
from export_pipelines.transform.letters import Letters, arrow_texts, strings_of, table

PURPOSE = "export_pipelines row digests v1"
HMAC_BYTES = 32
SCHEMA = pa.schema(
    [
        pa.field("mark", pa.uint64()),  # of the key
        pa.field("check", pa.uint64()),  # of the key, where marks are equal by chance
        pa.field("high", pa.uint64()),  # of the row
        pa.field("low", pa.uint64()),
        pa.field("key", pa.large_string()),
    ],
    {"version": "1"},
)
ESCAPE, SEPARATOR, NULL = "\x1d", "\x1e", "\x1f"
ESCAPED = {ESCAPE: f"{ESCAPE}0", SEPARATOR: f"{ESCAPE}1", NULL: f"{ESCAPE}2"}

SIGNS = table("".join(ESCAPED).encode())
DIGESTED_CELLS = 60_000  # at once: their texts are in memory two times

Numbers = npt.NDArray[np.uint64]
EMPTY: Numbers = np.empty(0, np.uint64)


class RowDigests:
    """Digests rows of output whose key is the column `key`, under subkeys of the hash key in use."""

    def __init__(self, key: str, keys: Keys) -> None:
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        material = keys.hash_key.active("hash").material
        subkeys = HKDF(SHA256(), 2 * HMAC_BYTES, None, PURPOSE.encode()).derive(material)
        self.key, self._of_keys, self._of_rows = key, subkeys[:HMAC_BYTES], subkeys[HMAC_BYTES:]

    def of(self, frame: pl.DataFrame) -> pa.RecordBatch:
        """A row of SCHEMA for each row of `frame`. Raises DataError for a row without a key."""
        ids = frame[self.key].cast(pl.String)
        if ids.null_count():
            raise DataError(
                f"{ids.null_count():,} rows have no {self.key}, by which mode: changes tells rows apart",
                remedy="mend the rows, filter them out, or take mode: full",
            )
        keys = arrow_texts(ids)
        mark, check = _digested(self._of_keys, keys)
        size = max(1, DIGESTED_CELLS // frame.width)
        slices = [_digested(self._of_rows, _texts(rows)) for rows in frame.iter_slices(size)]
        high, low = (np.concatenate(column) for column in zip(*(slices or [(EMPTY, EMPTY)]), strict=True))
        return pa.RecordBatch.from_arrays(
            [*(pa.array(column) for column in (mark, check, high, low)), keys], schema=SCHEMA
        )


def numbers(batch: pa.RecordBatch, name: str) -> Numbers:
    """A column of numbers without a copy; Arrow's own `to_numpy` imports pandas first."""
    column = batch.column(name)
    values = np.frombuffer(column.buffers()[1] or b"", np.uint64)
    return values[column.offset : column.offset + len(column)]


def _digested(key: bytes, texts: pa.LargeStringArray) -> tuple[Numbers, Numbers]:
    """The first 16 bytes of HMAC-SHA-256 of each text, as two numbers."""
    codes = np.empty((len(texts), HMAC_BYTES), np.uint8)
    if len(texts):
        sz.hmac_sha256(key, strings_of(texts), codes)
    words = codes.view(">u8")
    return words[:, 0].astype(np.uint64), words[:, 1].astype(np.uint64)


def _texts(frame: pl.DataFrame) -> pa.LargeStringArray:
    """One text for each row, another one for every other row: values with a separator between them, null as a sign of its
    own. Texts that hold such signs are few, so they are looked for in all rows at once."""
    texts = arrow_texts(frame.select(_joined(frame))["row"])
    signs = len(frame) * (frame.width - 1) + sum(column.null_count() for column in frame)
    if _signs(texts) != signs:
        texts = arrow_texts(frame.with_columns(_escaped(frame)).select(_joined(frame))["row"])
    return texts


def _joined(frame: pl.DataFrame) -> pl.Expr:
    values = (_text(column) for column in frame)
    return pl.concat_str(values, separator=SEPARATOR).alias("row")


def _text(column: pl.Series) -> pl.Expr:
    value = pl.col(column.name)
    if column.dtype.is_temporal():
        value = value.to_physical()
    return value.cast(pl.String).fill_null(NULL) if column.null_count() else value.cast(pl.String)


def _signs(texts: pa.LargeStringArray) -> int:
    return int(np.count_nonzero(Letters(texts).are(SIGNS)))


def _escaped(frame: pl.DataFrame) -> list[pl.Expr]:
    return [
        reduce(
            lambda value, sign: value.str.replace_all(sign, ESCAPED[sign], literal=True),
            ESCAPED,
            pl.col(name),
        )
        for name, dtype in frame.schema.items()
        if dtype == pl.String
    ]
