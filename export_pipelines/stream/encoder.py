"""What an encoder is: output frames become the bytes of one part; each format is one file and one row in `encoders.py`."""

from typing import Protocol

import polars as pl

from export_pipelines.plan.plan import OutputColumn

TIMESTAMP_FORMAT = "%Y-%m-%dT%H:%M:%S%.3fZ"


class Encoder(Protocol):
    """Bytes of one part: `begin`, then `encode` for every frame, then `end`; the three concatenated are the part.

    A frame's columns are the output columns in order, named by id. The bytes of two frames equal those of the two
    frames joined. `neutralised` counts the cells that were changed so that no spreadsheet runs them.
    """

    neutralised: int

    def begin(self) -> bytes: ...

    def encode(self, frame: pl.DataFrame) -> bytes: ...

    def end(self) -> bytes: ...


Columns = tuple[OutputColumn, ...]
