"""What a Parquet part says of itself: types, groups of rows, codec."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from export_pipelines.catalog import Kind
from export_pipelines.encode.encoders import ROW_GROUP_ROWS, encoder_of
from export_pipelines.plan.plan import OutputColumn
from export_pipelines_tests.encode.tables import Row, column, encoded, frame_of, plan_of

NUMBERS = [column("n", Kind.INTEGER)]


def part(
    columns: Sequence[OutputColumn], *cuts: Sequence[Row], codec: str = "none", level: int | None = None
) -> pq.ParquetFile:
    encoder = encoder_of(plan_of(columns, "parquet", codec, level=level))
    return pq.ParquetFile(BytesIO(encoded(encoder, *(frame_of(columns, rows) for rows in cuts))))


@pytest.mark.parametrize(
    ("kind", "scale", "type", "value"),
    [
        (Kind.TEXT, None, pa.string(), "é"),
        (Kind.TEXT, None, pa.string(), ""),
        (Kind.INTEGER, None, pa.int64(), -(2**63)),
        (Kind.NUMBER, None, pa.string(), "0.100"),
        (Kind.DECIMAL, 2, pa.decimal128(38, 2), Decimal("-25.00")),
        (Kind.DECIMAL, 0, pa.decimal128(38, 0), Decimal(10**38 - 1)),
        (Kind.DECIMAL, 6, pa.decimal128(38, 6), Decimal("0.000001")),
        (Kind.BOOLEAN, None, pa.bool_(), False),
        (Kind.DATE, None, pa.date32(), date(1, 1, 1)),
        (Kind.TIMESTAMP, None, pa.timestamp("ms", tz="UTC"), datetime(9999, 12, 31, 23, 59, 59, 999000, UTC)),
        (Kind.JSON, None, pa.string(), '{"a": 1.50}'),
    ],
)
def test_each_kind_has_a_type_of_its_own_and_null_beside_its_values(
    kind: Kind, scale: int | None, type: pa.DataType, value: Any
) -> None:
    table = part([column("a", kind, scale)], [(value,), (None,)]).read()
    assert (table.schema.field("a").type, table["a"].to_pylist()) == (type, [value, None])


def test_columns_are_named_by_their_headers() -> None:
    assert part([column("a.b", header="a_b"), column("c", header="The c")], []).schema_arrow.names == [
        "a_b",
        "The c",
    ]


def test_a_part_without_rows_still_has_its_types() -> None:
    file = part([column("a", Kind.DECIMAL)])
    assert (file.metadata.num_rows, file.schema_arrow.field("a").type) == (0, pa.decimal128(38, 2))


@pytest.mark.parametrize("cuts", [[ROW_GROUP_ROWS + 1], [1, ROW_GROUP_ROWS], [9_000, 0, 7_000, 385]])
def test_groups_of_rows_are_full_but_the_last(cuts: list[int]) -> None:
    metadata = part(NUMBERS, *([(0,)] * rows for rows in cuts)).metadata
    groups = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    assert groups == [ROW_GROUP_ROWS, 1]


@pytest.mark.parametrize(
    ("codec", "level", "name"),
    [
        ("none", None, "UNCOMPRESSED"),
        ("gzip", None, "GZIP"),
        ("gzip", 9, "GZIP"),
        ("zstd", None, "ZSTD"),
        ("zstd", 19, "ZSTD"),
    ],
)
def test_the_codec_works_inside_the_file(codec: str, level: int | None, name: str) -> None:
    file = part(NUMBERS, [(1,)] * 100, codec=codec, level=level)
    assert file.metadata.row_group(0).column(0).compression == name


def test_the_footer_repeats_no_text() -> None:
    columns = [column("a"), column("n", Kind.INTEGER)]
    group = part(columns, [("x" * 1000, 1)]).metadata.row_group(0)
    assert [group.column(i).is_stats_set for i in range(2)] == [False, True]
