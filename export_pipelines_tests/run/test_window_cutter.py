"""What one pass reads becomes the batches of each window: all rows in their order, in few batches, none of them larger than allowed."""

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
        (10_000, [1_500, MOST, MOST, 500], [5_000, 5_000]),
        (6_000, [1_500, MOST, 500], [6_000]),
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
