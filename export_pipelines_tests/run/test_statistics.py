"""What is counted, and the limits that hold while it is."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipelines.artifacts import Manifest
from export_pipelines.catalog import Kind, PiiClass
from export_pipelines.errors import LimitReached
from export_pipelines.manifest_of_run import manifest_of
from export_pipelines.mask.apply import Masked
from export_pipelines.plan.plan import Mask, OutputColumn, Seal
from export_pipelines.run.limits import limited_bytes, limited_rows
from export_pipelines.run.part_cutter import Begin, Encoded, Piece
from export_pipelines.run.statistics import Statistics
from export_pipelines_tests.encode.tables import batches_of, column, frame_of, plan_of, written

COLUMNS = [column("id", Kind.INTEGER)]


def test_rows_nulls_masks_and_bad_json_are_summed() -> None:
    statistics = Statistics()
    statistics.expect((column("a", required=True), column("b")))
    for values in ([None, "x"], [None, None, "y"]):
        frame = pl.DataFrame({"a": values, "b": values})
        assert statistics.output(statistics.shown(Masked(frame, 2, Counter(b=1)))) is frame
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


VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.TEXT: st.text(max_size=5),
    Kind.JSON: st.sampled_from(["{}", '{"a": "\u00e9"}', "[1.50]"]),
    Kind.INTEGER: st.integers(-(2**63), 2**63 - 1),
    Kind.DECIMAL: st.integers(1 - 10**38, 10**38 - 1).map(
        lambda cents: Decimal(cents).scaleb(-2, Context(prec=38))
    ),
    Kind.NUMBER: st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?", fullmatch=True),
    Kind.DATE: st.dates(),
    Kind.TIMESTAMP: st.datetimes().map(
        lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000, tzinfo=UTC)
    ),
    Kind.BOOLEAN: st.booleans(),
}
EVERY_KIND = [column(str(kind), kind) for kind in VALUES]
ROWS = st.lists(st.tuples(*(st.none() | values for values in VALUES.values())), max_size=12)


@given(ROWS, st.integers(1, 5))
def test_what_is_stated_of_a_column_is_so_however_its_rows_come(
    rows: Sequence[tuple[Any, ...]], size: int
) -> None:
    statistics = Statistics()
    statistics.expect(tuple(EVERY_KIND))
    for start in range(0, len(rows), size):
        frame = frame_of(EVERY_KIND, rows[start : start + size])
        statistics.output(statistics.shown(Masked(frame, 0, Counter())))
    for place, stated in enumerate(EVERY_KIND):
        cells = [row[place] for row in rows]
        values = [cell for cell in cells if cell is not None]
        expected = {"nulls": len(cells) - len(values)} | (expected_of(stated.kind, values) if cells else {})
        assert statistics.measures.by_id[stated.id].stated() == expected, stated.id


def expected_of(kind: Kind, values: list[Any]) -> dict[str, Any]:
    """By Python's own arithmetic."""
    expected: dict[str, Any] = {}
    if kind in (Kind.TEXT, Kind.JSON) and values:
        expected["longest_characters"] = max(map(len, values))
        expected["longest_bytes"] = max(len(value.encode()) for value in values)
    if kind is Kind.TEXT:
        expected["empty"] = values.count("")
    if kind in (Kind.INTEGER, Kind.DECIMAL):
        exact = Context(prec=100)
        total: Any = Decimal(0) if kind is Kind.DECIMAL else 0
        for value in values:
            total = exact.add(total, value) if kind is Kind.DECIMAL else total + value
        expected["sum"] = str(total) if values or kind is Kind.INTEGER else "0"
    if values and kind not in (Kind.TEXT, Kind.JSON, Kind.BOOLEAN):
        numbers = [Decimal(value) for value in values] if kind is Kind.NUMBER else values
        expected |= {"smallest": spelled(min(numbers)), "largest": spelled(max(numbers))}
    return expected


def spelled(value: Any) -> str:
    if isinstance(value, datetime):
        return (
            value.strftime("%Y").zfill(4)
            + value.strftime("-%m-%dT%H:%M:%S.")
            + f"{value.microsecond // 1000:03d}Z"
        )
    return (
        value.isoformat()
        if isinstance(value, date)
        else f"{value:f}"
        if isinstance(value, Decimal)
        else str(value)
    )


def manifest(columns: Sequence[OutputColumn], rows: Sequence[tuple[Any, ...]]) -> Manifest:
    plan = plan_of(columns)
    result, _ = written(plan, batches_of(columns, rows, 2))
    at = datetime(2024, 1, 16, tzinfo=UTC)
    stored = manifest_of(plan, result, "table/2024-01-15/x", at, None).to_json()
    return Manifest.from_json(stored, "here")


def test_a_manifest_states_it_of_each_column() -> None:
    columns = [column("word"), column("price", Kind.DECIMAL), column("at", Kind.TIMESTAMP)]
    at = datetime(2024, 1, 15, 10, tzinfo=UTC)
    rows = [("", Decimal("-0.50"), None), ("\u00e9\u00e9", Decimal("25.00"), at), (None, None, at)]
    word, price, time = (column.statistics for column in manifest(columns, rows).columns)
    assert word and word.model_dump(exclude_none=True) == {
        "nulls": 1, "empty": 1, "longest_characters": 2, "longest_bytes": 4,
    }  # fmt: skip
    assert price and price.model_dump(exclude_none=True) == {
        "nulls": 1, "smallest": "-0.50", "largest": "25.00", "sum": "24.50",
    }  # fmt: skip
    assert time and (time.smallest, time.largest) == ("2024-01-15T10:00:00.000Z",) * 2


def test_nothing_is_stated_of_columns_that_are_personal_or_treated() -> None:
    seal = Seal(path="a", type="text", mask=Mask.REDACT)
    changes: list[dict[str, Any]] = [
        *({"pii": pii} for pii in PiiClass if pii is not PiiClass.NONE),
        *({"mask": mask} for mask in (Mask.KEEP, Mask.HASH, Mask.REDACT)),
        {"seals": (seal,), "kind": Kind.JSON},
    ]
    columns = [column(f"c{n}").model_copy(update=change) for n, change in enumerate(changes)]
    statistics = Statistics()
    statistics.expect((*columns, column("open")))
    frame = pl.DataFrame({item.id: ["secret"] for item in (*columns, column("open"))})
    statistics.output(statistics.shown(Masked(frame, 0, Counter())))
    assert set(statistics.measures.by_id) == {"open"}
    personal = [column("open"), column("name").model_copy(update={"pii": PiiClass.DIRECT})]
    stored = json.loads(manifest(personal, [("a", "b")]).to_json())
    assert ["statistics" in item for item in stored["columns"]] == [True, False]
