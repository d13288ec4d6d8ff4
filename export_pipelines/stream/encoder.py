"""What an encoder is: output frames become the bytes of one part; each format is one file and one row in `encoders.py`."""

from typing import Protocol

import polars as pl

from export_pipelines.plan.plan import OutputColumn


class Encoder(Protocol):
    """Bytes of one part: `begin`, then `encode` for every frame, then `end`; concatenated they are the part.

    A frame's columns are the output columns in order, named by id; `first` says that the part holds no row yet.
    However rows are cut into frames, the bytes are the same. `measure` is how many bytes `encode` would give at most.
    `neutralised` counts the cells that were changed so that no spreadsheet runs them.
    """

    neutralised: int

    def begin(self) -> bytes: ...

    def encode(self, frame: pl.DataFrame, first: bool) -> bytes: ...

    def end(self, empty: bool) -> bytes: ...

    def measure(self, frame: pl.DataFrame) -> int: ...


Columns = tuple[OutputColumn, ...]
