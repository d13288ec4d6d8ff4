"""What was written, read back by readers that know nothing of our writers, equals what was there."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from export_pipelines.catalog import Kind
from export_pipelines.encode.xlsx.shared_strings import CONTROLS
from export_pipelines.plan.plan import OutputColumn
from export_pipelines_tests.conftest import examples
from export_pipelines_tests.encode.readers import DECOMPRESS, FLOATS, READERS, plain_number
from export_pipelines_tests.encode.tables import batches_of, column, plan_of, written

CODECS = {"parquet": ("none", "gzip", "zstd"), "xlsx": ("none",)}
ALL_CODECS = ("none", "gzip", "zip", "zstd")

NASTY = [
    "", " ", " x ", ",", "\t", '"', '""', "a\nb", "a\rb", "\r\n", "\r", "\n", "\x00", "a\x00b", "\x1a", "\x0b", "\x0c",
    "\x1c", "\x7f", "\x85", "\u2028", "\u2029", "\ufeff", "\ufeffx", "😀", "é", "e\u0301", "\U0010ffff", "\\", "\\N",
    "\\n", "'", "=1+1", "-1", "+1", "@a", "007", "NULL", "null", "NaN", "N/A", "true", "1e5", "]", "},", ",\n", "{}",
    "#", "--", "</script>", "a" * 5000, '"' * 300, "_x0041_", "_x0041_x0042_", "_x000D_", "_x005F_", "a_x005F_x0041_b", "x005F_",
    "_x00e9_\x01", "_xAAAA\x01", "_x00 41_", "__x0041__",
]  # fmt: skip
texts = st.one_of(st.sampled_from(NASTY), st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
LARGEST = 10**38 - 1  # in cents
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
moments = st.integers(0, (LAST - FIRST) // MILLISECOND).map(lambda number: FIRST + number * MILLISECOND)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


def _number(digits: int, places: int) -> str:
    sign, text = "-" if digits < 0 else "", str(abs(digits)).rjust(places + 1, "0")
    return sign + (f"{text[:-places]}.{text[-places:]}" if places else text)


VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.TEXT: texts,
    Kind.INTEGER: st.one_of(st.sampled_from([0, -1, 2**63 - 1, -(2**63)]), st.integers(-(2**63), 2**63 - 1)),
    Kind.NUMBER: st.builds(_number, st.integers(-(10**40), 10**40), st.integers(0, 20)),
    Kind.DECIMAL: st.one_of(
        st.sampled_from([0, -5, LARGEST, -LARGEST]), st.integers(-LARGEST, LARGEST), st.integers(-999, 999)
    ).map(lambda cents: Decimal(_number(cents, 2))),
    Kind.BOOLEAN: st.booleans(),
    Kind.DATE: st.one_of(st.sampled_from([date(1, 1, 1), date(9999, 12, 31)]), st.dates()),
    Kind.TIMESTAMP: moments,
    Kind.JSON: json_values.map(lambda value: json.dumps(value, ensure_ascii=False)),
}
# what a sheet holds as an escape, and that reader does not undo
AS_WRITTEN = {"openpyxl": CONTROLS, "calamine": ["\ufffe", "\uffff"]}
Table = tuple[list[OutputColumn], list[tuple[Any, ...]]]


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Columns of any kinds, some nested in one object, and up to a dozen rows."""
    kinds = draw(st.lists(st.sampled_from(list(Kind)), min_size=1, max_size=6))
    columns = [
        column(f"c.{i}", kind, header=f"c_{i}", path=("inner", f"k{i}") if draw(st.booleans()) else None)
        for i, kind in enumerate(kinds)
    ]
    row = st.tuples(*(st.none() | VALUES[kind] for kind in kinds))
    return columns, draw(st.lists(row, max_size=12))


def expected(table: Table, form: str, reader: str) -> list[tuple[Any, ...]]:
    """What that reader is to find, where its format or the reader itself cannot tell two values apart."""
    columns, rows = table
    delimited = form in ("csv", "tsv")
    # the others do not see the quotes of `""`, nor an empty text in a sheet
    loses_empty = (delimited and reader != "duckdb") or reader == "calamine"
    floats = form in ("json", "ndjson") and reader == "duckdb"

    def seen(value: Any, column: OutputColumn) -> Any:
        if value is None and delimited and len(columns) == 1 and not loses_empty:
            return ""  # null in a lone column is `""`, since a reader skips an empty line
        if value == "" and loses_empty:
            return None
        if isinstance(value, str) and reader in AS_WRITTEN:
            value = "".join(
                f"_x{ord(letter):04X}_" if letter in AS_WRITTEN[reader] else letter for letter in value
            )
        if value is not None and column.kind is Kind.NUMBER and form == "xlsx":
            return plain_number(value)
        if value is not None and column.kind is Kind.JSON and form in ("json", "ndjson"):
            return json.loads(value, parse_int=float if floats else int)
        return float(value) if floats and value is not None and column.kind in FLOATS else value

    return [tuple(seen(value, column) for value, column in zip(row, columns, strict=True)) for row in rows]


def readable(table: Table, form: str, reader: str) -> bool:
    """Whether that reader can say what it finds."""
    columns, rows = table
    if form in ("csv", "tsv") and reader == "pandas":  # its parser ends a cell at a NUL
        return not any("\x00" in cell for row in rows for cell in row if isinstance(cell, str))
    if form in ("csv", "tsv") and reader == "duckdb" and len(columns) == 1:  # `""` is no number
        return columns[0].kind is Kind.TEXT or all(row[0] is not None for row in rows)
    if reader == "calamine" and rows:  # it takes empty rows at the end for none
        return any(cell not in (None, "") for cell in rows[-1])
    return True


def cases() -> Iterator[tuple[str, str, str]]:
    """Each reader of each format, and each codec of it: what a codec gives back does not hang on who reads it then."""
    for form, readers in READERS.items():
        codecs = CODECS.get(form, ALL_CODECS)
        for _, codec, reader in zip(
            range(max(len(codecs), len(readers))), cycle(codecs), cycle(readers), strict=False
        ):
            yield form, codec, reader


CASES = list(cases())


@pytest.mark.parametrize(("form", "codec", "reader"), CASES)
@settings(
    max_examples=examples(12), suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
@given(table=tables(), size=st.integers(1, 5))
def test_every_value_comes_back(form: str, codec: str, reader: str, table: Table, size: int) -> None:
    columns, rows = table
    assume(readable(table, form, reader))
    _, parts = written(plan_of(columns, form, codec), batches_of(columns, rows, size))
    ((_, data),) = parts.items()
    outer = "none" if form == "parquet" else codec
    with TemporaryDirectory() as folder:
        rows_read = READERS[form][reader](DECOMPRESS[outer](data), columns, Path(folder))
    assert rows_read == expected(table, form, reader)
