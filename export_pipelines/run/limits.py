"""What the export of a window may hold at most: each passes on what it is given, and stops the run at what is too much."""

from collections.abc import Iterable, Iterator

import polars as pl

from export_pipelines.errors import LimitReached
from export_pipelines.plan.limits import require_room
from export_pipelines.plan.plan import Plan
from export_pipelines.run.part_cutter import Encoded, Piece


def limited_rows(plan: Plan, frames: Iterable[pl.DataFrame], before: int = 0) -> Iterator[pl.DataFrame]:
    """Raises LimitReached or RequestError, as `require_room` does. `before` are those of parts that are there."""
    rows = before

    def passed(frame: pl.DataFrame) -> pl.DataFrame:
        nonlocal rows
        rows += len(frame)
        require_room(plan, rows, writing=True)
        return frame

    return map(passed, frames)


def limited_bytes(plan: Plan, pieces: Iterable[Piece], before: int = 0) -> Iterator[Piece]:
    """Raises LimitReached for more bytes before compression, in all parts together, than the plan allows. `before` are those
    of parts that are there."""
    assert plan.output
    total, most = before, plan.output.max_bytes
    for piece in pieces:
        if isinstance(piece, Encoded):
            total += len(piece.data)
        if total > most:
            raise LimitReached(
                f"more than {most:,} bytes before compression; the run was stopped and nothing was kept",
                where=plan.export,
                remedy="take a smaller window, filter more, choose fewer fields, or raise `limits: {bytes: ...}`",
            )
        yield piece
