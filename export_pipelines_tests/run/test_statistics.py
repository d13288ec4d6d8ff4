"""What is counted, and the limits that hold while it is."""

from collections import Counter

import polars as pl
import pytest

from export_pipelines.catalog import Kind
from export_pipelines.errors import LimitReached
from export_pipelines.mask.apply import Masked
from export_pipelines.run.limits import limited_bytes, limited_rows
from export_pipelines.run.part_cutter import Begin, Encoded, Piece
from export_pipelines.run.statistics import Statistics
from export_pipelines_tests.encode.tables import batches_of, column, plan_of

COLUMNS = [column("id", Kind.INTEGER)]


def test_rows_nulls_masks_and_bad_json_are_summed() -> None:
    statistics = Statistics(required=("a",))
    for values in ([None, "x"], [None, None, "y"]):
        frame = pl.DataFrame({"a": values, "b": values})
        assert statistics.shown(Masked(frame, 2, Counter(b=1))) is frame
    assert (statistics.rows, statistics.masked_values) == (5, 4)
    assert (statistics.nulls, statistics.bad_json) == ({"a": 3}, {"b": 2})


def test_rows_of_the_source_are_counted_as_they_are_read() -> None:
    statistics = Statistics()
    reading = statistics.read(batches_of(COLUMNS, [(n,) for n in range(5)], 2))
    next(reading)
    assert statistics.rows_read == 2
    assert sum(batch.num_rows for batch in reading) == 3
    assert statistics.rows_read == 5


def test_a_limit_lets_through_what_it_allows() -> None:
    frames = [pl.DataFrame({"id": [1, 2]}), pl.DataFrame({"id": [3]})]
    assert list(limited_rows(plan_of(COLUMNS, max_rows=3), frames)) == frames
    limited = limited_rows(plan_of(COLUMNS, max_rows=2), frames)
    assert next(limited) is frames[0]
    with pytest.raises(LimitReached, match="the limit is 2"):
        next(limited)
    pieces: list[Piece] = [Begin("a"), Encoded(1, b"12345"), Encoded(1, b"6")]
    assert list(limited_bytes(plan_of(COLUMNS, max_bytes=6), pieces)) == pieces
    with pytest.raises(LimitReached, match="more than 5 bytes"):
        list(limited_bytes(plan_of(COLUMNS, max_bytes=5), pieces))
