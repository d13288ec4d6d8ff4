"""Made-up rows of values that programs are known to change, and the files that the product writes of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from export_pipelines.catalog import Kind
from export_pipelines.definition.output import CODECS
from export_pipelines_tests.encode.tables import Row, batches_of, column, plan_of, written

COLUMNS = (
    column("id", Kind.INTEGER),
    column("word"),
    column("zip"),
    column("amount", Kind.DECIMAL),
    column("big", Kind.INTEGER),
    column("at", Kind.TIMESTAMP),
    column("day", Kind.DATE),
    column("flag", Kind.BOOLEAN),
    column("extra", Kind.JSON),
)
WORDS = (
    "plain", None, "", "é€🎉", "a,b;c", 'say "hi"', "tab\there", "line\nfeed", "cr\rinside", "cr\r\nlf", "  blanks  ",
    "back\\slash\\", "\\N", "NULL", "null", "None", "NA", "N/A", "NaN", "#N/A", "true", "1E5", "007", "2024-01-15", "=1+1", "+1",
    "'single'", "'=1", "_x0041_", "last",
)  # fmt: skip
ZIPS = ("02769", "00501", None, "10001")
AMOUNTS = (Decimal("25.00"), Decimal("-0.50"), None, Decimal("12345678901234567.89"))
BIG = (9223372036854775807, -1, None, 1234567890123)
MOMENTS = (
    datetime(2024, 1, 15, 10, 30, 45, 123000, UTC), datetime(2024, 1, 15, tzinfo=UTC), None, datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC),
)  # fmt: skip
DAYS = (date(2024, 2, 29), date(1899, 12, 31), None, date(9999, 12, 31))
FLAGS = (True, False, None, True)
OBJECTS = ('{"a": "x", "n": [1, 2.50]}', "{}", None, '{"long": 12345678901234567890.125}')
ROWS: list[Row] = [
    (n, word, *(values[n % 4] for values in (ZIPS, AMOUNTS, BIG, MOMENTS, DAYS, FLAGS, OBJECTS)))
    for n, word in enumerate(WORDS)
]


@dataclass(frozen=True)
class Form:
    """What an export can ask for: a format, its options and its codec. Programs are asked for it as for the form `like`, where
    they have no way of their own."""

    format: str
    options: Mapping[str, Any] = field(default_factory=dict)
    codec: str = "none"
    like: str | None = None


FORMS: Mapping[str, Form] = {
    "csv": Form("csv"),
    "csv, null_marker NULL": Form("csv", {"null_marker": "NULL"}),
    "tsv": Form("tsv"),
    "tsv, escape backslash": Form("tsv", {"escape": "backslash"}),
    "json": Form("json"),
    "ndjson": Form("ndjson"),
    "parquet": Form("parquet"),
    "parquet, gzip": Form("parquet", codec="gzip", like="parquet"),
    "parquet, zstd": Form("parquet", codec="zstd", like="parquet"),
    "xlsx": Form("xlsx"),
}
PACKED = {codec: Form("csv", codec=codec) for codec in CODECS if codec != "none"}


def write_file(folder: Path, form: Form) -> Path:
    """The part that the product writes of ROWS."""
    plan = plan_of(COLUMNS, form.format, form.codec, options=form.options)
    _, parts = written(plan, batches_of(COLUMNS, ROWS, 7))
    ((name, data),) = parts.items()
    file = folder / name
    file.write_bytes(data)
    return file
