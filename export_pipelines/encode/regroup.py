"""Frames of one length out of frames of any length, where the bytes written must not tell how rows came in."""

from collections.abc import Iterator

import polars as pl


class Regroup:
    """Frames of exactly `rows` rows, each in one piece of memory; `remainder` gives what is left over."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self._waiting: list[pl.DataFrame] = []
        self._count = 0

    def push(self, frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
        self._waiting.append(frame)
        self._count += len(frame)
        if self._count < self.rows:
            return
        whole = pl.concat(self._waiting, rechunk=True)
        full = self._count - self._count % self.rows
        self._waiting, self._count = [whole[full:]], self._count - full
        for start in range(0, full, self.rows):
            yield whole[start : start + self.rows]

    def remainder(self) -> Iterator[pl.DataFrame]:
        waiting, self._waiting = self._waiting, []
        if self._count:
            yield pl.concat(waiting, rechunk=True)
        self._count = 0
