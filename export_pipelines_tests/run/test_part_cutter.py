"""The cutter alone: frames in, pieces out, no thread and no store."""

from collections.abc import Iterable, Iterator

import polars as pl
import pytest

from export_pipelines.catalog import Kind
from export_pipelines.encode.encoders import encoder_of
from export_pipelines.run.part_cutter import Begin, Drain, Encoded, Finish, PartCutter, PartSize, Piece
from export_pipelines_tests.encode.tables import column, plan_of

COLUMNS = [column("id", Kind.INTEGER)]


def cutter(size: PartSize, stored: Iterable[int] = (), never_none: bool = True) -> PartCutter:
    return PartCutter(encoder_of(plan_of(COLUMNS)), size, "part {}".format, iter(stored), never_none)


def frame(*ids: int) -> pl.DataFrame:
    return pl.DataFrame({"id": list(ids)}, schema={"id": pl.Int64})


def parts_in(pieces: Iterator[Piece]) -> list[tuple[str, int, bytes]]:
    """Name, rows and bytes of each part, which begins and ends as it should."""
    parts: list[tuple[str, int, bytes]] = []
    open = False
    for piece in pieces:
        if isinstance(piece, Begin):
            assert not open
            parts.append((piece.name, 0, b""))
            open = True
        elif isinstance(piece, Encoded):
            assert open
            name, rows, data = parts[-1]
            parts[-1] = name, rows + piece.rows, data + piece.data
        elif isinstance(piece, Finish):
            assert open
            open = False
    assert not open
    return parts


def test_a_part_is_cut_after_its_rows() -> None:
    frames = [frame(1, 2), frame(3, 4, 5)]
    assert parts_in(cutter(PartSize(rows=3)).cut(frames)) == [
        ("part 1", 3, b"id\n1\n2\n3\n"),
        ("part 2", 2, b"id\n4\n5\n"),
    ]


def test_a_part_that_is_full_ends_before_the_next_frame_comes() -> None:
    """A stream need not end for its parts to be finished."""
    taken: list[int] = []

    def endless() -> Iterator[pl.DataFrame]:
        while True:
            taken.append(1)
            yield frame(len(taken))

    pieces = cutter(PartSize(rows=2)).cut(endless())
    assert sum(isinstance(next(pieces), Finish) for _ in range(6)) == 1
    assert len(taken) == 2


@pytest.mark.parametrize(("never_none", "parts"), [(True, [("part 1", 0, b"id\n")]), (False, [])])
def test_without_rows_there_is_one_part_or_none(never_none: bool, parts: list[object]) -> None:
    assert parts_in(cutter(PartSize(), never_none=never_none).cut([])) == parts
    assert parts_in(cutter(PartSize(), never_none=never_none).cut([frame()])) == parts


def test_a_part_cut_by_bytes_asks_what_is_stored_and_keeps_below_it() -> None:
    sizes: list[int] = []
    stored = 0

    def answers() -> Iterator[int]:
        while True:
            yield stored

    parts: list[int] = []
    size = PartSize(bytes=100, held_bytes=10)
    for piece in cutter(size, answers()).cut([frame(*range(1_000, 1_100))]):
        if isinstance(piece, Begin):
            stored = 0
            parts.append(0)
        elif isinstance(piece, Encoded):
            stored += len(piece.data)  # nothing is compressed here
            parts[-1] += piece.rows
        elif isinstance(piece, Drain):
            sizes.append(stored)
        else:
            assert stored <= 90
    assert sum(parts) == 100 and len(parts) > 5
    assert len(sizes) >= len(parts)
