"""Parts: where they are cut, what is told of them, and what a run that fails leaves behind.

CELLS=all in the environment cuts every format and codec in each way, not in one of them in turn."""

import hashlib
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from export_pipelines.catalog import Kind
from export_pipelines.mask.keys import Keys
from export_pipelines.plan.plan import Mask
from export_pipelines.run.write_parts import write_parts
from export_pipelines_tests.cells import in_turn
from export_pipelines_tests.encode.readers import DECOMPRESS, READERS
from export_pipelines_tests.encode.tables import MemoryStore, Row, batches_of, column, plan_of, written
from export_pipelines_tests.run.heard import Heard

COLUMNS = [
    column("id", Kind.INTEGER),
    column("name", path=("inner", "name")),
    column("pay", Kind.DECIMAL, path=("inner", "pay")),
]
CASES = [(form, codec) for form in ("csv", "tsv", "json", "ndjson") for codec in DECOMPRESS] + [
    ("parquet", "none"),
    ("parquet", "gzip"),
    ("parquet", "zstd"),
]
every_case = pytest.mark.parametrize(("form", "codec"), CASES)
every_form = pytest.mark.parametrize("form", list(READERS))


def noise(length: int, seed: int) -> str:
    """Text that compresses badly."""
    return Random(seed).randbytes(length // 2).hex()


def rows_of(count: int) -> list[Row]:
    """Rows of unlike lengths."""
    return [(i, noise(i % 5 * 100, i), Decimal(i).scaleb(-2)) for i in range(count)]


ROWS = rows_of(1_000)
MANY = rows_of(9_000)  # more than one step of a part that is cut by bytes


def raw(form: str, codec: str, data: bytes) -> bytes:
    return data if form == "parquet" else DECOMPRESS[codec](data)


def read(form: str, codec: str, data: bytes) -> list[Row]:
    reader = next(iter(READERS[form].values()))
    return reader(raw(form, codec, data), COLUMNS, Path())


def null_for_empty(form: str, rows: list[Row]) -> list[Row]:
    """Python's csv sees no quotes."""
    return [tuple(cell if cell != "" or form not in ("csv", "tsv") else None for cell in row) for row in rows]


@pytest.mark.parametrize(
    ("count", "part_rows", "lengths"),
    [(7, 3, [3, 3, 1]), (6, 3, [3, 3]), (2, 3, [2]), (3, 1, [1, 1, 1]), (5, None, [5])],
)
@pytest.mark.parametrize("size", [1, 2, 100])
@every_form
def test_a_part_ends_after_its_rows(
    form: str, size: int, count: int, part_rows: int | None, lengths: list[int]
) -> None:
    result, _ = written(plan_of(COLUMNS, form, part_rows=part_rows), batches_of(COLUMNS, ROWS[:count], size))
    assert [part.rows for part in result.parts] == lengths


@pytest.mark.parametrize(("form", "codec", "part_bytes"), in_turn(CASES, 6_000, 20_000, 75_000))
def test_no_part_is_longer_than_it_may_be(form: str, codec: str, part_bytes: int) -> None:
    plan = plan_of(COLUMNS, form, codec, part_bytes=part_bytes)
    _, parts = written(plan, batches_of(COLUMNS, ROWS, 300))
    assert len(parts) > 1
    assert max(len(data) for data in parts.values()) <= part_bytes


@pytest.mark.parametrize(
    ("form", "codec", "limits"),
    in_turn(CASES, {"part_bytes": 20_000}, {"part_rows": 77}, {"part_bytes": 20_000, "part_rows": 9}),
)
def test_cut_into_parts_no_row_is_lost_or_moved(form: str, codec: str, limits: dict[str, Any]) -> None:
    _, parts = written(plan_of(COLUMNS, form, codec, **limits), batches_of(COLUMNS, ROWS[:300], 100))
    rows = [row for data in parts.values() for row in read(form, codec, data)]
    assert rows == null_for_empty(form, ROWS[:300])


@pytest.mark.parametrize(
    ("form", "codec", "limits"), in_turn(CASES, {}, {"part_bytes": 200_000}, {"part_rows": 4_000})
)
def test_parts_are_the_same_however_batches_come(form: str, codec: str, limits: dict[str, Any]) -> None:
    plan = plan_of(COLUMNS, form, codec, **limits)
    results = [written(plan, batches_of(COLUMNS, MANY, size)) for size in (700, 4_096, 10_000)]
    assert results[0][1] == results[1][1] == results[2][1]


@every_case
def test_a_row_longer_than_a_part_has_a_part_of_its_own(form: str, codec: str) -> None:
    rows: list[Row] = [(i, noise(length, i), None) for i, length in enumerate((100, 40_000, 100))]
    plan = plan_of(COLUMNS, form, codec, part_bytes=6_000)
    result, _ = written(plan, batches_of(COLUMNS, rows, 3))
    assert [part.rows for part in result.parts] == [1, 1, 1]


@pytest.mark.parametrize("size", [1, 0])
@every_form
def test_a_window_without_rows_has_one_part_that_says_so(form: str, size: int) -> None:
    batches = [next(batches_of(COLUMNS, ROWS, 1)).slice(0, 0)] * size
    result, parts = written(plan_of(COLUMNS, form), batches)
    assert [part.rows for part in result.parts] == [0]
    assert read(form, "none", parts[result.parts[0].name]) == []


@every_case
def test_a_window_without_rows_has_no_part_if_empty_ones_are_skipped(form: str, codec: str) -> None:
    result, parts = written(plan_of(COLUMNS, form, codec, skip_empty=True), [])
    assert (result.parts, result.raw_bytes, parts) == ((), 0, {})


@every_case
def test_what_is_told_of_a_part_is_true(form: str, codec: str) -> None:
    plan = plan_of(COLUMNS, form, codec, part_rows=400)
    result, parts = written(plan, batches_of(COLUMNS, ROWS, 300))
    assert [(part.name, part.rows, part.bytes, part.raw_bytes, part.sha256) for part in result.parts] == [
        (name, rows, len(data), len(raw(form, codec, data)), hashlib.sha256(data).hexdigest())
        for (name, data), rows in zip(parts.items(), (400, 400, 200), strict=True)
    ]


@every_case
def test_what_is_told_of_the_whole_is_the_sum_of_its_parts(form: str, codec: str) -> None:
    result, _ = written(plan_of(COLUMNS, form, codec, part_rows=400), batches_of(COLUMNS, ROWS, 300))
    assert result.rows == sum(part.rows for part in result.parts) == 1_000
    assert result.raw_bytes == sum(part.raw_bytes for part in result.parts)


def test_parts_are_numbered_from_one() -> None:
    result, _ = written(plan_of(COLUMNS, part_rows=1), batches_of(COLUMNS, ROWS[:3], 3))
    assert [part.name for part in result.parts] == ["part_1.csv", "part_2.csv", "part_3.csv"]


def test_nulls_in_required_columns_are_counted() -> None:
    columns = [column("a", required=True), column("b"), column("c", Kind.INTEGER, required=True)]
    rows: list[Row] = [(None, None, 1), ("", None, 1), (None, None, 1)]
    assert written(plan_of(columns), batches_of(columns, rows, 2))[0].null_required == {"a": 2, "c": 0}


def test_masked_values_are_counted_and_nulls_are_not() -> None:
    columns = [column("a").model_copy(update={"mask": Mask.MASK}), column("b")]
    rows: list[Row] = [("x", "y"), (None, "y"), ("z", None)]
    assert written(plan_of(columns), batches_of(columns, rows, 2))[0].masked_values == 2


@pytest.mark.parametrize("limits", [{}, {"part_bytes": 2_000}, {"part_rows": 1}])
def test_cells_made_safe_are_counted(limits: dict[str, Any]) -> None:
    columns, rows = [column("a")], [("=1",), ("x",), (None,), ("@" * 1500,)]
    plan = plan_of(columns, options={"spreadsheet_safe": True}, **limits)
    assert written(plan, batches_of(columns, rows, 3))[0].cells.neutralised == 2


def test_progress_is_told_the_rows_so_far() -> None:
    store, heard = MemoryStore(), Heard()
    write_parts(plan_of(COLUMNS), batches_of(COLUMNS, ROWS[:7], 3), store.open_part, Keys(), heard)
    assert heard.rows_of("encode") == [3, 6, 7]
