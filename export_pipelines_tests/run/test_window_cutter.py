"""What one pass reads becomes the batches of each window: all rows in their order, in few batches, none of them larger than allowed."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

from export_pipelines.run.window_cutter import WindowRows
from export_pipelines_tests.run.whole_run import plan_of

MOST = 4_000


def pieces(sizes: list[int], names: list[str]) -> Iterator[pa.RecordBatch]:
    start = 0
    for size in sizes:
        numbers = pa.array(range(start, start + size))
        yield pa.RecordBatch.from_arrays([numbers] * len(names), names=names)
        start += size


@pytest.mark.parametrize(
    ("expected", "sizes", "batches"),
    [
        (10_000, [1_500, MOST, MOST, 500], [3_334, 3_334, 3_332]),
        (6_000, [1_500, MOST, 500], [3_000, 3_000]),
        (3_000, [1_000, 2_000], [3_000]),
        (0, [1_500, MOST, 500], [MOST, 2_000]),  # nobody knows how many come
        (100, [MOST, 1_000], [MOST, 1_000]),  # more came meanwhile
        (10, [], []),
    ],
)
def test_the_rows_of_a_window_come_in_few_batches_alike(
    expected: int, sizes: list[int], batches: list[int]
) -> None:
    plan = plan_of()
    names = [column.name for column in plan.query.columns]
    rows = WindowRows(plan, expected)

    def put() -> None:
        for piece in pieces(sizes, names):
            rows.put(piece, 0.0, MOST)
        rows.end()

    with ThreadPoolExecutor(1) as reader:
        reader.submit(put)
        taken = list(rows)
    assert [batch.num_rows for batch in taken] == batches
    assert [value for batch in taken for value in batch.column(0).to_pylist()] == list(range(sum(sizes)))


def test_rows_may_become_heavier_meanwhile() -> None:
    """Fewer go into a batch then, and none is lost."""
    plan = plan_of()
    rows = WindowRows(plan)

    def put() -> None:
        first, second, third = pieces([300, 200, 250], [column.name for column in plan.query.columns])
        rows.put(first, 0.0, 400)
        rows.put(second, 0.0, 100)
        rows.put(third, 0.0, 100)
        rows.end()

    with ThreadPoolExecutor(1) as reader:
        reader.submit(put)
        taken = list(rows)
    assert [batch.num_rows for batch in taken] == [300, 100, 100, 100, 100, 50]
    assert [value for batch in taken for value in batch.column(0).to_pylist()] == list(range(750))


def test_no_window_is_read_before_the_one_in_front_is_taken() -> None:
    plan = plan_of()
    names = [column.name for column in plan.query.columns]
    windows, read = [WindowRows(plan, 10) for _ in range(3)], [threading.Event() for _ in range(3)]

    def put() -> None:
        for rows, is_read in zip(windows, read, strict=True):
            for piece in pieces([10], names):
                rows.put(piece, 0.0, MOST)
            rows.end()
            is_read.set()

    with ThreadPoolExecutor(1) as reader:
        reader.submit(put)
        for rows, is_read in zip(windows, read, strict=True):
            waits = not is_read.wait(0.2)
            assert sum(batch.num_rows for batch in rows) == 10
            assert is_read.wait(10)
            assert waits
