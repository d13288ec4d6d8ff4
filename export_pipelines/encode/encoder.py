"""What an encoder is: output frames become the bytes of one part; each format is one file and one row in `encoders.py`."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import polars as pl

from export_pipelines.plan.plan import OutputColumn

Columns = tuple[OutputColumn, ...]
FIRST_TRY_ROWS = 64  # of a part that is cut by bytes, while nothing is known of how long rows are
SPARE = 1.1  # rows tried above those that fit by the mean of the rows before


@dataclass
class CellCounts:
    """Cells that a file says otherwise than a reader might expect, in all parts so far: `neutralised` were changed so that no
    spreadsheet runs them; by column, `like_null` hold a value that reads as null, `as_text` a number or a time that is
    written as text."""

    neutralised: int = 0
    like_null: Counter[str] = field(default_factory=Counter)
    as_text: Counter[str] = field(default_factory=Counter)


class Encoder(Protocol):
    """Bytes of one part: `begin`, then `encode` or `fit` for every frame, then `end`; concatenated they are the part.

    A frame's columns are the output columns in order, named by id; `first` says that the part holds no row yet.
    However rows are cut into frames, the bytes of `encode` are the same. `fit` encodes as many rows from the head of
    the frame as are sure to make the part longer by at most `free` bytes, at least one if it is the `first`, and says
    how many they were.
    """

    counts: CellCounts

    def begin(self) -> bytes: ...

    def encode(self, frame: pl.DataFrame, first: bool) -> bytes: ...

    def fit(self, frame: pl.DataFrame, first: bool, free: int) -> tuple[int, bytes]: ...

    def end(self, empty: bool) -> bytes: ...


class Fitting:
    """Finds by trying how many rows fit; learns how long a row is, so that it seldom tries twice."""

    def __init__(self) -> None:
        self._rows = self._bytes = 0

    def fit(
        self, encode: Callable[[pl.DataFrame], bytes], frame: pl.DataFrame, first: bool, free: int
    ) -> tuple[int, bytes]:
        """The rows that fit into `free` bytes, at most those of `frame`, and what `encode` makes of them."""
        rows = min(len(frame), self._guess(free))
        while rows > 0:
            data = encode(frame[:rows])
            if len(data) <= free or (first and rows == 1):
                self._rows, self._bytes = self._rows + rows, self._bytes + len(data)
                return rows, data
            rows = max(min(rows - 1, int(rows * free / len(data))), int(first))
        return 0, b""

    def _guess(self, free: int) -> int:
        if not self._bytes:
            return FIRST_TRY_ROWS
        return 1 + int(SPARE * max(free, 0) * self._rows / self._bytes)
