"""The preview shows the first rows as CSV would hold them, and reads no more than it shows."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from export_pipelines.catalog import Kind
from export_pipelines.errors import SettingsError
from export_pipelines.mask.keys import Keys
from export_pipelines.plan.plan import Mask, OutputColumn
from export_pipelines.run.preview import Preview, preview
from export_pipelines_tests.conftest import examples
from export_pipelines_tests.encode.readers import READERS
from export_pipelines_tests.encode.tables import Row, batches_of, column, plan_of, written

NUMBERS = [column("n", Kind.INTEGER)]
FORMATS = list(READERS)
texts = st.sampled_from(["", "=1", "-", "a,b", 'a"b', "a\nb", "NULL", "é"]) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=8
)
row = st.tuples(
    st.none() | texts,
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.integers(-(10**20), 10**20).map(lambda cents: Decimal(cents).scaleb(-2)),
    st.none() | st.sampled_from(["0", "1.50", "-0.001"]),
    st.none() | st.booleans(),
    st.none() | st.dates(),
    st.none()
    | st.datetimes().map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000, tzinfo=UTC)),
    st.none() | st.sampled_from(["{}", '{"a": [1, "x"]}']),
)
COLUMNS = [column(f"c{i}", kind) for i, kind in enumerate((Kind.TEXT, Kind.INTEGER, Kind.DECIMAL, Kind.NUMBER,
                                                         Kind.BOOLEAN, Kind.DATE, Kind.TIMESTAMP, Kind.JSON))]  # fmt: skip


class Counted:
    """Batches of one number each; remembers how many were taken and whether it was closed."""

    def __init__(self, count: int, size: int = 1) -> None:
        self.inner = batches_of(NUMBERS, [(i,) for i in range(count * size)], size)
        self.taken, self.closed = 0, False

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self.inner:
                self.taken += 1
                yield batch
        finally:
            self.closed = True


def shown(columns: Sequence[OutputColumn], rows: Sequence[Row], **options: Any) -> Preview:
    return preview(plan_of(columns, options=options), batches_of(columns, rows, 2), Keys())


@settings(max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.lists(row, max_size=6),
    size=st.integers(1, 4),
    marker=st.sampled_from(["", "NULL", "-", "1"]),
    safe=st.booleans(),
)
def test_the_preview_is_what_a_reader_finds_in_the_file(
    rows: list[Row], size: int, marker: str, safe: bool
) -> None:
    plan = plan_of(COLUMNS, options={"null_marker": marker, "spreadsheet_safe": safe})
    _, parts = written(plan, batches_of(COLUMNS, rows, size))
    lines = csv.reader(io.StringIO(parts["part_1.csv"].decode(), newline=""), strict=True)
    seen = preview(plan, batches_of(COLUMNS, rows, size), Keys())
    assert [seen.headers, *seen.rows] == [tuple(line) for line in lines]


@pytest.mark.parametrize("form", FORMATS)
def test_values_are_spelled_alike_whatever_the_format(form: str) -> None:
    rows: list[Row] = [("a,b", -1, Decimal("25.00"), "1.10", True, date(2024, 1, 15), datetime(2024, 1, 15, tzinfo=UTC), "{}")]  # fmt: skip
    assert preview(plan_of(COLUMNS, form), batches_of(COLUMNS, rows, 1), Keys()).rows == (
        ("a,b", "-1", "25.00", "1.10", "true", "2024-01-15", "2024-01-15T00:00:00.000Z", "{}"),
    )


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("marker", ["", "NULL"])
def test_null_is_the_marker_or_nothing(kind: Kind, marker: str) -> None:
    assert shown([column("a", kind)], [(None,)], null_marker=marker).rows == ((marker,),)


def test_a_text_like_the_marker_is_shown_as_it_is() -> None:
    assert shown([column("a")], [("NULL",), ("",), (None,)], null_marker="NULL").rows == (
        ("NULL",),
        ("",),
        ("NULL",),
    )


def test_columns_are_shown_under_their_headers() -> None:
    columns = (column("a.b", header="A, b"), column("c"))
    assert shown(list(columns), []) == Preview(("A, b", "c"), (), columns)


def test_masked_values_are_shown_masked() -> None:
    columns = [column("a").model_copy(update={"mask": Mask.HASH}), column("b")]
    batches = batches_of(columns, [("secret", "plain"), (None, "plain")], 2)
    (first, second) = preview(plan_of(columns), batches, Keys.from_bytes(b"k" * 32)).rows
    assert (len(first[0]), first[1], second) == (41, "plain", ("", "plain"))


@pytest.mark.parametrize(
    ("rows", "size", "batches"),
    [(0, 1, 0), (1, 1, 1), (3, 1, 3), (3, 2, 2), (3, 100, 1), (50, 1, 9)],
)
def test_no_more_batches_are_read_than_are_shown(rows: int, size: int, batches: int) -> None:
    source = Counted(9, size)
    seen = preview(plan_of(NUMBERS), source, Keys(), rows)
    assert (source.taken, seen.rows) == (batches, tuple((str(i),) for i in range(min(rows, 9 * size))))


@pytest.mark.parametrize("rows", [1, 3, 9, 50])
def test_the_source_is_closed_after_it_was_shown(rows: int) -> None:
    source = Counted(9)
    preview(plan_of(NUMBERS), source, Keys(), rows)
    assert source.closed


def test_the_source_is_closed_after_an_error() -> None:
    columns = [NUMBERS[0].model_copy(update={"mask": Mask.HASH})]
    source = Counted(9)
    with pytest.raises(SettingsError, match="HASH_KEY"):
        preview(plan_of(columns), source, Keys())
    assert source.closed


def test_twenty_rows_are_shown_unless_told_otherwise() -> None:
    assert len(preview(plan_of(NUMBERS), Counted(3, 10), Keys()).rows) == 20
