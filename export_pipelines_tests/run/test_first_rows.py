"""The first rows are kept as they were read, whatever batches they came in."""

import pyarrow as pa
import pytest

from export_pipelines.run.first_rows import FirstRows, joined

ROWS = 12


def batches(sizes: list[int]) -> list[pa.RecordBatch]:
    table = pa.table(
        {
            "name": [f"name {row}" if row % 3 else None for row in range(ROWS)],
            "at": pa.array(range(ROWS), pa.timestamp("us")),
            "price": pa.array(range(ROWS), pa.decimal128(12, 2)),
        }
    ).combine_chunks()
    start, cut = 0, list[pa.RecordBatch]()
    for size in sizes:
        cut += table.slice(start, size).to_batches() or [pa.RecordBatch.from_pylist([], table.schema)]
        start += size
    return cut


@pytest.mark.parametrize(("sizes", "kept"), [([12], 5), ([2, 0, 1, 9], 5), ([3], 3), ([0], 0), ([], 0)])
def test_first_rows_are_those_that_came_first(sizes: list[int], kept: int) -> None:
    sent, first = batches(sizes), FirstRows(5)
    assert list(first.passed(sent)) == sent
    assert first.number == kept
    rows = [row for batch in first.batches for row in batch.to_pylist()]
    assert rows == [row for batch in sent for row in batch.to_pylist()][:kept]
    assert [row for batch in joined([first, first]) for row in batch.to_pylist()] == rows * 2
