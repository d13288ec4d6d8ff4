"""Pieces that are read by several threads come in their order, within bounds."""

import threading
import time
from collections.abc import Iterator

import pyarrow as pa
import pytest

from export_pipelines.errors import RetryableError
from export_pipelines.read.in_order import in_order


def test_pieces_are_read_ahead_within_bounds() -> None:
    """However late the first piece comes, and however long one is: what was read and not taken stays bounded."""
    batch = pa.RecordBatch.from_arrays([pa.array(range(1000))], names=["n"])
    readers, room = 4, 3 * batch.nbytes
    lock, waiting, most = threading.Lock(), 0, 0
    lengths, started = [50, 1, 1, 200, 0, 5, 2, 2, 90, 1], threading.Event()

    def read(piece: int) -> Iterator[pa.RecordBatch]:
        nonlocal waiting, most
        if piece == 0:
            started.wait(10)
            time.sleep(0.2)
        for number in range(lengths[piece]):
            with lock:
                waiting += 1
                most = max(most, waiting)
            yield pa.RecordBatch.from_arrays([pa.array([piece * 1000 + number] * 1000)], names=["n"])

    pieces = iter(range(len(lengths)))
    numbers = []
    started.set()
    for given in in_order([read] * readers, lambda: next(pieces, None), lambda: None, room):
        with lock:
            waiting -= 1
        numbers.append(given.column(0)[0].as_py())
        time.sleep(0.0005)
    assert numbers == [
        piece * 1000 + number for piece, length in enumerate(lengths) for number in range(length)
    ]
    assert readers < most <= readers * (3 + 1)  # each: what waits, and the batch in its hands


def test_an_error_comes_in_its_turn() -> None:
    batch = pa.RecordBatch.from_arrays([pa.array([1])], names=["n"])

    def read(piece: int) -> Iterator[pa.RecordBatch]:
        if piece == 0:
            time.sleep(0.2)
        yield batch
        if piece in (2, 3):
            raise RetryableError(f"piece {piece}")

    pieces, given = iter(range(9)), []
    with pytest.raises(RetryableError, match="piece 2"):
        for ahead in in_order([read] * 4, lambda: next(pieces, None), lambda: None, 1000):
            given.append(ahead)
    assert len(given) == 3


def test_a_piece_that_cannot_be_had_is_an_error_in_its_turn() -> None:
    batch = pa.RecordBatch.from_arrays([pa.array([1])], names=["n"])
    pieces, given = iter(range(9)), []

    def read(piece: int) -> Iterator[pa.RecordBatch]:
        time.sleep(0.05)
        yield batch

    def next_piece() -> int:
        if (piece := next(pieces)) == 3:
            raise RetryableError("the source is away")
        return piece

    with pytest.raises(RetryableError, match="the source is away"):
        for ahead in in_order([read] * 2, next_piece, lambda: None, 1000):
            given.append(ahead)
    assert len(given) == 3
