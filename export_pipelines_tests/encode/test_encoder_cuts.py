"""The bytes of a part do not tell how its rows came in, and a part that is cut by its length keeps to it."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from export_pipelines.catalog import Kind
from export_pipelines.encode.delimited import DelimitedEncoder
from export_pipelines.encode.encoder import Encoder
from export_pipelines.encode.json import JsonEncoder
from export_pipelines.encode.parquet import ParquetEncoder
from export_pipelines.encode.xlsx.encoder import XlsxEncoder
from export_pipelines_tests.conftest import examples
from export_pipelines_tests.encode.readers import READERS
from export_pipelines_tests.encode.tables import Row, column, encoded, frame_of

COLUMNS = (
    column("a"),
    column("n", Kind.INTEGER, path=("inner", "n")),
    column("pay", Kind.DECIMAL, path=("inner", "pay")),
    column("number", Kind.NUMBER),
    column("flag", Kind.BOOLEAN),
    column("day", Kind.DATE),
    column("at", Kind.TIMESTAMP),
    column("extra", Kind.JSON),
)
MARKED = {"null_marker": "NULL", "spreadsheet_safe": True}
MAKERS: dict[str, Callable[[], Encoder]] = {
    "csv": lambda: DelimitedEncoder(",", COLUMNS, {}),
    "csv marked": lambda: DelimitedEncoder(",", COLUMNS, MARKED),
    "tsv": lambda: DelimitedEncoder("\t", COLUMNS, {}),
    "json": lambda: JsonEncoder(True, COLUMNS, {}),
    "json pretty": lambda: JsonEncoder(True, COLUMNS, {"pretty": True}),
    "ndjson": lambda: JsonEncoder(False, COLUMNS, {}),
    "xlsx": lambda: XlsxEncoder(COLUMNS, {}),
    "parquet": lambda: ParquetEncoder(COLUMNS, "none", None, group_rows=3),
    "parquet gzip": lambda: ParquetEncoder(COLUMNS, "gzip", None, group_rows=3),
    "parquet zstd": lambda: ParquetEncoder(COLUMNS, "zstd", 19, group_rows=3),
}
every_encoder = pytest.mark.parametrize("name", MAKERS)
texts = st.sampled_from(["", "NULL", "=1", "_x0041_", "a_x0041_", "x,y", 'a"b', "a\nb", "x" * 300]) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=40
)
row = st.tuples(
    st.none() | texts,
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.integers(-(10**9), 10**9).map(lambda cents: Decimal(cents).scaleb(-2)),
    st.none() | st.sampled_from(["0", "-1.50", "123456789012345678901234567890.5"]),
    st.none() | st.booleans(),
    st.none() | st.dates(),
    st.none() | st.just(datetime(2024, 1, 15, 8, 30, tzinfo=UTC)),
    st.none() | st.sampled_from(["{}", '{"a": [1, "x"]}']),
)
rows_of = st.lists(row, max_size=12)


def many(rows: int) -> list[Row]:
    """Rows of unlike lengths."""
    return [
        (f"{i}," * (i % 50), i, Decimal(i), str(i), i % 2 == 0, date(2024, 1, 1), None, f'{{"a": {i}}}')
        for i in range(rows)
    ]


@cache
def many_in_a_frame() -> pl.DataFrame:
    return frame_of(COLUMNS, many(5_000))


def parts_of(encoder: Encoder, frame: pl.DataFrame, limit: int) -> list[tuple[int, bytes]]:
    """Rows and bytes of each part when none is to be longer than `limit`."""
    parts = []
    while len(frame):
        data, rows = encoder.begin(), 0
        while len(frame):
            taken, more = encoder.fit(frame, rows == 0, limit - len(data))
            if not taken:
                assert not more
                break
            data, rows, frame = data + more, rows + taken, frame[taken:]
        parts.append((rows, data + encoder.end(rows == 0)))
    return parts


@every_encoder
@settings(max_examples=examples(8), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=rows_of, places=st.lists(st.integers(0, 12), max_size=5))
def test_the_bytes_do_not_depend_on_how_rows_are_cut(name: str, rows: list[Row], places: list[int]) -> None:
    frame = frame_of(COLUMNS, rows)
    cuts = pairwise([0, *sorted(min(place, len(rows)) for place in places), len(rows)])
    whole, cut = MAKERS[name](), MAKERS[name]()
    assert encoded(cut, *(frame[start:end] for start, end in cuts)) == encoded(whole, frame)
    assert cut.counts == whole.counts


@every_encoder
@settings(max_examples=examples(8), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=rows_of, limit=st.integers(-50, 12_000))
def test_only_a_part_of_one_row_is_longer_than_it_may_be(name: str, rows: list[Row], limit: int) -> None:
    parts = parts_of(MAKERS[name](), frame_of(COLUMNS, rows), limit)
    assert [(count, len(data)) for count, data in parts if count > 1 and len(data) > limit] == []


@pytest.mark.parametrize("name", ["csv", "tsv", "json", "json pretty", "ndjson"])
@pytest.mark.parametrize("too_long", [1, 2, 3, 4])
def test_a_part_that_would_be_a_byte_too_long_takes_fewer_rows(name: str, too_long: int) -> None:
    frame = frame_of(COLUMNS, many(10))
    limit = len(encoded(MAKERS[name](), frame)) - too_long
    assert len(parts_of(MAKERS[name](), frame, limit)[0][1]) <= limit


@every_encoder
@pytest.mark.parametrize("limit", [40_000, 100_000, 1_000_000])
def test_no_part_of_many_rows_is_longer_than_it_may_be(name: str, limit: int) -> None:
    parts = parts_of(MAKERS[name](), many_in_a_frame(), limit)
    assert max(len(data) for _, data in parts) <= limit


@every_encoder
@settings(max_examples=examples(6), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=rows_of, limit=st.integers(0, 12_000))
def test_every_row_is_in_one_of_the_parts(name: str, rows: list[Row], limit: int) -> None:
    parts = parts_of(MAKERS[name](), frame_of(COLUMNS, rows), limit)
    assert sum(count for count, _ in parts) == len(rows)


@pytest.mark.parametrize("name", ["csv", "tsv", "json", "json pretty", "ndjson"])
def test_a_part_that_takes_all_rows_has_the_bytes_of_one_that_was_not_cut(name: str) -> None:
    frame = frame_of(COLUMNS, many(300))
    assert parts_of(MAKERS[name](), frame, 10**9) == [(300, encoded(MAKERS[name](), frame))]


@pytest.mark.parametrize("limit", [300, 1_000, 10_000])
def test_cells_made_safe_are_counted_once_however_often_they_were_tried(limit: int) -> None:
    columns = (column("a"),)
    encoder = DelimitedEncoder(",", columns, {"spreadsheet_safe": True})
    parts_of(encoder, frame_of(columns, [("=" * (i % 90),) for i in range(270)]), limit)
    assert encoder.counts.neutralised == 267


@pytest.mark.parametrize("codec", ["none", "gzip", "zstd"])
def test_a_parquet_part_cut_by_its_length_reads_back(codec: str) -> None:
    encoder, rows = ParquetEncoder(COLUMNS, codec, None, group_rows=3), many(500)
    read_rows: list[Any] = []
    for _, data in parts_of(encoder, frame_of(COLUMNS, rows), 30_000):
        read_rows += READERS["parquet"]["pyarrow"](data, COLUMNS, Path())
    assert read_rows == rows


NARROW: dict[str, tuple[Kind, Callable[[int], Any]]] = {
    "short texts": (Kind.TEXT, str),
    "equal texts": (Kind.TEXT, lambda i: "x"),
    "empty texts": (Kind.TEXT, lambda i: ""),
    "nulls": (Kind.TEXT, lambda i: None),
    "noise": (Kind.TEXT, lambda i: Random(i).randbytes(20).hex()),
    "integers": (Kind.INTEGER, lambda i: Random(i).getrandbits(63)),
    "decimals": (Kind.DECIMAL, lambda i: Decimal(Random(i).getrandbits(120)).scaleb(-2)),
    "booleans": (Kind.BOOLEAN, lambda i: Random(i).random() < 0.5),
    "days": (Kind.DATE, lambda i: date.fromordinal(i + 1)),
}


@pytest.mark.parametrize("codec", ["none", "gzip", "zstd"])
@pytest.mark.parametrize(("kind", "value"), NARROW.values(), ids=NARROW)
def test_a_parquet_part_of_one_narrow_column_keeps_to_its_length(
    kind: Kind, value: Callable[[int], Any], codec: str
) -> None:
    columns = (column("a", kind),)
    frame = frame_of(columns, [(value(i),) for i in range(20_000)])
    parts = parts_of(ParquetEncoder(columns, codec, None, group_rows=3), frame, 100_000)
    assert max(len(data) for _, data in parts) <= 100_000
