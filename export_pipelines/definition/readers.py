"""The programs that exports may name: what each has a recipe for (`recipes/`), and the options that its recipe needs."""

from collections.abc import Mapping
from typing import Any, Literal

ReaderName = Literal[
    "postgresql", "mariadb", "sqlite", "duckdb", "clickhouse", "polars", "pandas", "pyarrow", "r", "node", "excel",
    "libreoffice", "bigquery", "snowflake", "redshift", "athena", "dbt",
]  # fmt: skip
Options = Mapping[str, object]

DELIMITED = ("csv", "tsv", "tsv, escaped")
OBJECTS = ("json", "ndjson")
# TSV whose texts are escaped is a form of its own
FORMS: Mapping[str, tuple[str, ...]] = {
    "postgresql": (*DELIMITED, *OBJECTS),
    "mariadb": DELIMITED,
    "sqlite": ("csv", "tsv", *OBJECTS),
    "duckdb": ("csv", "tsv", *OBJECTS, "parquet"),
    "clickhouse": ("csv", "tsv, escaped", *OBJECTS, "parquet"),
    "polars": (*DELIMITED, *OBJECTS, "parquet"),
    "pandas": (*DELIMITED, *OBJECTS, "parquet", "xlsx"),
    "pyarrow": (*DELIMITED, *OBJECTS, "parquet"),
    "r": ("csv", "tsv"),
    "node": ("csv", "tsv"),
    "excel": ("csv", "tsv", "xlsx"),
    "libreoffice": ("csv", "tsv", "xlsx"),
    "bigquery": ("csv", "tsv", "parquet"),
    "snowflake": ("csv", "tsv", "parquet"),
    "redshift": ("csv", "tsv", "parquet"),
    "athena": ("parquet",),
    "dbt": (*DELIMITED, *OBJECTS, "parquet", "xlsx"),
}
MARKED: Options = {"null_marker": "NULL"}  # a word that MariaDB takes for null by itself
ESCAPED: Options = {"escape": "backslash"}
# reader -> format -> options without which its recipe loses more, or does not read the files at all
NEEDS: Mapping[str, Mapping[str, Options]] = {
    "mariadb": {"csv": MARKED, "tsv": ESCAPED},
    "sqlite": {"csv": MARKED, "tsv": MARKED},
    "clickhouse": {"tsv": ESCAPED},
    "r": {"csv": {"quote": "text"}},
    "excel": {"csv": MARKED, "tsv": MARKED},
    "bigquery": {"csv": MARKED, "tsv": MARKED},
    "redshift": {"csv": MARKED, "tsv": MARKED},
}


def form_of(format: str, options: Mapping[str, Any]) -> str:
    """The format, as FORMS has it."""
    return f"{format}, escaped" if options.get("escape") == "backslash" else format


def formats_of(reader: str) -> tuple[str, ...]:
    """The formats that a reader has recipes for, whatever their options are."""
    return tuple(dict.fromkeys(form.partition(",")[0] for form in FORMS[reader]))


def unread(reader: str, format: str) -> str | None:
    """Why a format cannot be read by a reader; None where it can."""
    formats = formats_of(reader)
    return None if format in formats else f"{reader} has no recipe for {format}, but for {', '.join(formats)}"
