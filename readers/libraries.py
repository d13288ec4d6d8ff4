"""Libraries of Python; the way to ask is an expression, whose value becomes a table."""

import csv
import gzip
import importlib
import io
import json
import platform
import zipfile
from collections.abc import Callable, Mapping
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

import chdb

from readers.compare import Table
from readers.program import Program
from readers.source import PACKED

MODULES = {"pd": "pandas", "pl": "polars", "pa": "pyarrow"}
NAMES = ("pd", "pl", "pa", "duckdb", "clevercsv", "petl", "openpyxl", "python_calamine", "zstandard")
STANDARD = {"csv": csv, "json": json, "gzip": gzip, "zipfile": zipfile, "io": io, "Decimal": Decimal}


def ask(asked: str, file: Path) -> Table:
    """The value of the expression over `file`."""
    for extra in ("pyarrow.csv", "pyarrow.json", "pyarrow.parquet"):
        importlib.import_module(extra)
    names = {name: importlib.import_module(MODULES.get(name, name)) for name in NAMES}
    return table_of(eval(asked, {**names, **STANDARD, "file": str(file)}))


def ask_clickhouse(asked: str, file: Path) -> Table:
    """What the statement selects from `FILE`."""
    return table_of(chdb.query(asked.replace("FILE", f"'{file}'"), "ArrowTable"))


def table_of(value: Any) -> Table:
    """Frames, tables, relations, objects, and lines of which the first has the names."""
    if hasattr(value, "itertuples"):
        names = list(value.columns)
        return Table(
            names, [list(row) for row in zip(*(value[name].tolist() for name in names), strict=True)]
        )
    if hasattr(value, "rows") and hasattr(value, "schema"):
        return Table(value.columns, [list(row) for row in value.rows()])
    if hasattr(value, "fetchall"):
        return Table(value.columns, [list(row) for row in value.fetchall()])
    if hasattr(value, "to_pylist"):
        return Table(value.column_names, [list(row.values()) for row in value.to_pylist()])
    lines = list(value)
    if lines and isinstance(lines[0], dict):
        return Table(list(lines[0]), [list(line.values()) for line in lines])
    names, *rows = lines
    return Table(list(names), [list(row) for row in rows])


def _of(package: str) -> Callable[[], str]:
    return lambda: version(package)


def _program(
    name: str,
    package: str,
    readings: Mapping[str, tuple[str, ...]],
    unpackings: Mapping[str, str] = MappingProxyType({}),
) -> Program:
    return Program(name, _of(package), ask, readings, unpackings)


ARROW_NULLS = (
    "pa.csv.read_csv({1}, parse_options=pa.csv.ParseOptions(delimiter={0!r}, newlines_in_values=True), convert_options=pa.csv.ConvertOptions("
    "column_types={{'zip': 'string', 'word': 'string', 'amount': pa.decimal128(38, 2)}}, strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=['']))"
)
CLICKHOUSE = (
    "'id Int64, word Nullable(String), zip Nullable(String), amount Nullable(Decimal(38, 2)), big Nullable(Int64), "
    "at Nullable(DateTime64(3)), day Nullable(Date32), flag Nullable(Bool), extra Nullable(String)'"
)
CLICKHOUSE_CSV = (
    f"SELECT * FROM file(FILE, CSVWithNames, {CLICKHOUSE}) "
    "SETTINGS input_format_csv_trim_whitespaces = 0, format_csv_null_representation = ''"
)
DUCKDB_TYPES = (
    "{'id': 'BIGINT', 'word': 'VARCHAR', 'zip': 'VARCHAR', 'amount': 'DECIMAL(38,2)', 'big': 'BIGINT', "
    "'at': 'TIMESTAMP', 'day': 'DATE', 'flag': 'BOOLEAN', 'extra': 'JSON'}"
)

PROGRAMS = (
    Program(
        "Python's own modules",
        platform.python_version,
        ask,
        {
            "csv": ("csv.reader(open(file, newline=''))",),
            "tsv": ("csv.reader(open(file, newline=''), 'excel-tab')",),
            "json": ("json.load(open(file))", "json.load(open(file), parse_float=Decimal)"),
            "ndjson": ("[json.loads(line, parse_float=Decimal) for line in open(file)]",),
        },
        {
            "gzip": "csv.reader(gzip.open(file, 'rt', newline=''))",
            "zip": "csv.reader(io.TextIOWrapper(zipfile.ZipFile(file).open('part_1.csv'), newline=''))",
        },
    ),
    _program(
        "pandas",
        "pandas",
        {
            "csv": ("pd.read_csv(file)", "pd.read_csv(file, dtype=str, keep_default_na=False)"),
            "csv, null_marker NULL": (
                "pd.read_csv(file, dtype=str, keep_default_na=False, na_values=['NULL'])",
            ),
            "tsv": ("pd.read_csv(file, sep='\\t', dtype=str, keep_default_na=False)",),
            "tsv, escape backslash": (
                "pd.read_csv(file, sep='\\t', dtype=str, keep_default_na=False, na_values=['\\\\N'], quoting=3)",
            ),
            "json": (
                "pd.read_json(file)",
                "pd.DataFrame(json.load(open(file), parse_float=Decimal), dtype=object)",
            ),
            "ndjson": ("pd.read_json(file, lines=True)",),
            "parquet": ("pd.read_parquet(file)", "pd.read_parquet(file, dtype_backend='pyarrow')"),
            "xlsx": (
                "pd.read_excel(file)",
                "pd.read_excel(file, dtype=object, keep_default_na=False)",
                "pd.read_excel(file, engine='calamine', dtype=object, keep_default_na=False)",
            ),
        },
        dict.fromkeys(PACKED, "pd.read_csv(file, dtype=str, keep_default_na=False)"),
    ),
    _program(
        "Polars",
        "polars",
        {
            "csv": ("pl.read_csv(file)", "pl.read_csv(file, infer_schema=False)"),
            "tsv": ("pl.read_csv(file, separator='\\t', infer_schema=False)",),
            "json": ("pl.read_json(file)",),
            "ndjson": ("pl.read_ndjson(file)",),
            "parquet": ("pl.read_parquet(file)",),
            "xlsx": ("pl.read_excel(file)",),
        },
        dict.fromkeys(PACKED, "pl.read_csv(file, infer_schema=False)"),
    ),
    _program(
        "pyarrow",
        "pyarrow",
        {
            "csv": ("pa.csv.read_csv(file)", ARROW_NULLS.format(",", "file")),
            "tsv": (ARROW_NULLS.format("\t", "file"),),
            "ndjson": ("pa.json.read_json(file)",),
            "parquet": ("pa.parquet.read_table(file)",),
        },
        {
            "gzip": ARROW_NULLS.format(",", "pa.CompressedInputStream(file, 'gzip')"),
            "zstd": ARROW_NULLS.format(",", "pa.CompressedInputStream(file, 'zstd')"),
        },
    ),
    _program(
        "DuckDB",
        "duckdb",
        {
            "csv": (
                "duckdb.read_csv(file)",
                "duckdb.read_csv(file, all_varchar=True, allow_quoted_nulls=False)",
            ),
            "tsv": ("duckdb.read_csv(file, sep='\\t', all_varchar=True, allow_quoted_nulls=False)",),
            "json": ("duckdb.read_json(file)",),
            "ndjson": (
                "duckdb.read_json(file)",
                f"duckdb.read_json(file, columns={DUCKDB_TYPES})",
            ),
            "parquet": ("duckdb.read_parquet(file)",),
        },
        dict.fromkeys(PACKED, "duckdb.read_csv(file, all_varchar=True, allow_quoted_nulls=False)"),
    ),
    Program(
        "ClickHouse (chdb)",
        _of("chdb"),
        ask_clickhouse,
        {
            "csv": ("SELECT * FROM file(FILE, CSVWithNames)", CLICKHOUSE_CSV),
            "tsv, escape backslash": (
                "SELECT * FROM file(FILE, TSVWithNames)",
                f"SELECT * FROM file(FILE, TSVWithNames, {CLICKHOUSE})",
            ),
            **dict.fromkeys(
                ("json", "ndjson"),
                (
                    "SELECT * FROM file(FILE, JSONEachRow)",
                    f"SELECT * FROM file(FILE, JSONEachRow, {CLICKHOUSE})",
                ),
            ),
            "parquet": ("SELECT * FROM file(FILE, Parquet)",),
        },
        dict.fromkeys(PACKED, CLICKHOUSE_CSV),
    ),
    _program(
        "CleverCSV",
        "clevercsv",
        {"csv": ("clevercsv.read_table(file)",), "tsv": ("clevercsv.read_table(file)",)},
    ),
    _program(
        "petl",
        "petl",
        {
            "csv": ("petl.fromcsv(file, encoding='utf-8')",),
            "tsv": ("petl.fromtsv(file, encoding='utf-8')",),
            "json": ("petl.fromjson(file)",),
            "xlsx": ("petl.fromxlsx(file)",),
        },
        {"gzip": "petl.fromcsv(file, encoding='utf-8')"},
    ),
    _program(
        "openpyxl",
        "openpyxl",
        {
            "xlsx": (
                "openpyxl.load_workbook(file).active.values",
                "openpyxl.load_workbook(file, read_only=True).active.values",
            )
        },
    ),
    _program(
        "python-calamine",
        "python-calamine",
        {"xlsx": ("python_calamine.load_workbook(file).get_sheet_by_index(0).to_python()",)},
    ),
    _program(
        "zstandard",
        "zstandard",
        {},
        {
            "zstd": "csv.reader(io.StringIO(zstandard.ZstdDecompressor().decompress(open(file, 'rb').read()).decode(), newline=''))"
        },
    ),
)
