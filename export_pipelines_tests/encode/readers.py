"""Readers that know nothing of our writers: what a part says, in the plain types of Python. Null is None."""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import python_calamine
import zstandard

from export_pipelines.catalog import Kind
from export_pipelines.plan.plan import OutputColumn

Columns = Sequence[OutputColumn]
Rows = list[tuple[Any, ...]]
Reader = Callable[[bytes, Columns, Path], Rows]
csv.field_size_limit(2**31 - 1)


def _unzipped(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        (member,) = archive.infolist()
        return archive.read(member)


DECOMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "none": lambda data: data,
    "gzip": gzip.decompress,
    "zip": _unzipped,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
}


def _scaled(value: Decimal, column: OutputColumn) -> Decimal:
    """Money keeps its scale: 25.00 is not 25."""
    assert value.as_tuple().exponent == -(column.scale or 0)
    return value


def value_of(text: str | None, column: OutputColumn) -> Any:
    """The value that a cell's text means."""
    if text is None:
        return None
    read: dict[Kind, Callable[[str], Any]] = {
        Kind.INTEGER: int,
        Kind.DECIMAL: lambda text: _scaled(Decimal(text), column),
        Kind.BOOLEAN: {"true": True, "false": False}.get,
        Kind.DATE: date.fromisoformat,
        Kind.TIMESTAMP: datetime.fromisoformat,
    }
    return read.get(column.kind, str)(text)


def _table(lines: list[tuple[str | None, ...]], columns: Columns) -> Rows:
    return [
        tuple(value_of(cell, column) for cell, column in zip(line, columns, strict=True)) for line in lines
    ]


def _python_csv(separator: str) -> Reader:
    """Python's csv drops the quotes, so null and the empty string look alike: both come back as None."""

    def read(data: bytes, columns: Columns, _: Path) -> Rows:
        lines = list(csv.reader(io.StringIO(data.decode(), newline=""), delimiter=separator, strict=True))
        assert lines[0] == [column.header for column in columns]
        return _table([tuple(cell or None for cell in line) for line in lines[1:]], columns)

    return read


def _pandas_csv(separator: str) -> Reader:
    def read(data: bytes, columns: Columns, _: Path) -> Rows:
        frame = pd.read_csv(
            io.BytesIO(data),
            sep=separator,
            dtype=str,
            keep_default_na=False,
            na_values=[],
            skip_blank_lines=False,
            engine="c",
        )
        assert list(frame.columns) == [column.header for column in columns]
        return _table(
            [tuple(cell or None for cell in line) for line in frame.itertuples(index=False, name=None)],
            columns,
        )

    return read


def _duckdb_csv(separator: str) -> Reader:
    """DuckDB minds the quotes: an empty cell is null, `""` is the empty string."""

    def read(data: bytes, columns: Columns, folder: Path) -> Rows:
        path = folder / "part.csv"
        path.write_bytes(data)
        names = {f"c{i}": "VARCHAR" for i in range(len(columns))}
        table = duckdb.read_csv(
            str(path), sep=separator, quotechar='"', escapechar='"', header=True, columns=names,
            na_values="", auto_detect=False, allow_quoted_nulls=False, null_padding=False,
            lineterminator="\\n", max_line_size=2**24,
        )  # fmt: skip
        return _table(table.fetchall(), columns)

    return read


def _at(row: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        row = row[key]
    return row


def _json_value(value: Any, column: OutputColumn) -> Any:
    """JSON's own types must be right: a number is no string, money no float."""
    if value is None:
        return None
    if column.kind is Kind.DECIMAL:
        assert isinstance(value, Decimal)
        return _scaled(value, column)
    if column.kind is Kind.NUMBER:
        assert isinstance(value, Decimal | int) and not isinstance(value, bool)
        return str(value) if isinstance(value, int) else f"{value:f}"
    if column.kind in (Kind.DATE, Kind.TIMESTAMP):
        return value_of(value, column)
    assert isinstance(value, {Kind.INTEGER: int, Kind.BOOLEAN: bool, Kind.TEXT: str}.get(column.kind, object))
    return value


def _objects(objects: list[Any], columns: Columns) -> Rows:
    return [
        tuple(_json_value(_at(object, column.json_path), column) for column in columns) for object in objects
    ]


def python_json(data: bytes, columns: Columns, _: Path) -> Rows:
    return _objects(json.loads(data, parse_float=Decimal), columns)


def python_ndjson(data: bytes, columns: Columns, _: Path) -> Rows:
    assert data == b"" or data.endswith(b"\n")
    return _objects([json.loads(line, parse_float=Decimal) for line in data.split(b"\n")[:-1]], columns)


FLOATS = (Kind.DECIMAL, Kind.NUMBER)  # what DuckDB's JSON reader knows as floats only
DUCKDB_TYPES = {Kind.INTEGER: "BIGINT", Kind.BOOLEAN: "BOOLEAN", Kind.JSON: "JSON"} | dict.fromkeys(
    FLOATS, "JSON"
)


def _duckdb_json(form: str) -> Reader:
    def read(data: bytes, columns: Columns, folder: Path) -> Rows:
        path = folder / "part.json"
        path.write_bytes(data)
        types: dict[str, str] = {}
        for column in columns:
            name, *below = column.json_path
            type = DUCKDB_TYPES.get(column.kind, "VARCHAR")
            members = types.get(name, "STRUCT()").removeprefix("STRUCT(").removesuffix(")")
            member = f'"{below[0]}" {type}' if below else ""
            types[name] = f"STRUCT({', '.join(filter(None, (members, member)))})" if below else type
        table = duckdb.read_json(str(path), columns=types, format=form, maximum_object_size=2**26)
        return [
            tuple(_duckdb_value(_at(row, column.json_path), column) for column in columns)
            for row in (dict(zip(types, line, strict=True)) for line in table.fetchall())
        ]

    return read


def _duckdb_value(value: Any, column: OutputColumn) -> Any:
    if value is None or column.kind in (Kind.INTEGER, Kind.BOOLEAN):
        return value
    if column.kind in FLOATS:
        return float(value)
    return json.loads(value, parse_int=float) if column.kind is Kind.JSON else value_of(value, column)


def pyarrow_parquet(data: bytes, columns: Columns, _: Path) -> Rows:
    table = pq.read_table(io.BytesIO(data))
    assert table.column_names == [column.header for column in columns]
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def duckdb_parquet(data: bytes, columns: Columns, folder: Path) -> Rows:
    path = folder / "part.parquet"
    path.write_bytes(data)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return [
            tuple(cell.astimezone(UTC) if isinstance(cell, datetime) else cell for cell in row)
            for row in connection.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
        ]


def plain_number(text: str) -> str:
    """A number without its scale, which a spreadsheet does not keep."""
    return f"{Decimal(text).normalize():f}"


def _xlsx_value(value: Any, column: OutputColumn) -> Any:
    """A spreadsheet's own types must be right: text is no formula, a number no text unless a double cannot hold it."""
    if value is None or column.kind is Kind.BOOLEAN:
        assert value is None or isinstance(value, bool)
        return value
    if isinstance(value, str):
        return plain_number(value) if column.kind is Kind.NUMBER else value_of(value, column)
    if column.kind is Kind.DATE:
        return value.date()
    if column.kind is Kind.TIMESTAMP:
        return value.replace(tzinfo=UTC)
    assert isinstance(value, int | float) and not isinstance(value, bool)
    number = Decimal(repr(value))
    if column.kind is Kind.DECIMAL:
        return number.quantize(Decimal(1).scaleb(-(column.scale or 0)))
    return int(number) if column.kind is Kind.INTEGER else plain_number(str(number))


def openpyxl_xlsx(data: bytes, columns: Columns, _: Path) -> Rows:
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert sheet.freeze_panes == "A2"
    head, *lines = sheet.iter_rows()
    assert [cell.value for cell in head] == [column.header for column in columns]
    assert all(cell.data_type != "f" for line in lines for cell in line)
    return [
        tuple(_xlsx_value(cell.value, column) for cell, column in zip(line, columns, strict=True))
        for line in lines
    ]


def calamine_xlsx(data: bytes, columns: Columns, _: Path) -> Rows:
    """It tells no empty text from an empty cell, and a time of midnight as a day."""
    book = python_calamine.load_workbook(io.BytesIO(data))
    head, *lines = book.get_sheet_by_index(0).to_python()
    assert head == [column.header for column in columns]
    return [tuple(map(_calamine_value, line, columns)) for line in lines]


def _calamine_value(value: Any, column: OutputColumn) -> Any:
    if value == "":
        return None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - sheets have no zones
    return _xlsx_value(value, column)


READERS: dict[str, dict[str, Reader]] = {
    "csv": {"csv": _python_csv(","), "pandas": _pandas_csv(","), "duckdb": _duckdb_csv(",")},
    "tsv": {"csv": _python_csv("\t"), "pandas": _pandas_csv("\t"), "duckdb": _duckdb_csv("\t")},
    "json": {"json": python_json, "duckdb": _duckdb_json("array")},
    "ndjson": {"json": python_ndjson, "duckdb": _duckdb_json("newline_delimited")},
    "parquet": {"pyarrow": pyarrow_parquet, "duckdb": duckdb_parquet},
    "xlsx": {"openpyxl": openpyxl_xlsx, "calamine": calamine_xlsx},
}
