"""pandas, with types of Arrow: its own reader of CSV does not see quotes, and its own integers become floats beside a null."""

from export_pipelines.catalog import Kind
from export_pipelines.recipes import losses as lost
from export_pipelines.recipes.python import (
    arrow_imports,
    arrow_lines,
    arrow_type,
    asserted,
    imports,
    losses_of_files,
    uses_decimals,
)
from export_pipelines.recipes.recipe import Script
from export_pipelines.recipes.table import Table

PARQUET = """\
FILES = [{files}]
frame = pd.concat([pd.read_parquet(file, dtype_backend="pyarrow") for file in FILES], ignore_index=True)
"""
XLSX = """\
def moment(cell):
    if isinstance(cell, str):  # before March 1900
        return datetime.fromisoformat(cell.replace("Z", "+00:00"))
    whole = timedelta(milliseconds=1)
    start = datetime(1970, 1, 1)
    return (start + round((cell - start) / whole) * whole).replace(tzinfo=timezone.utc)


def day(cell):
    return date.fromisoformat(cell) if isinstance(cell, str) else cell.date()


def rows(file):
    sheet = openpyxl.load_workbook(file, read_only=True).active
    return list(sheet.iter_rows(min_row=2, max_col=len(COLUMNS), values_only=True))


def column(rows, place, type, value):
    cells = (row[place] if place < len(row) else None for row in rows)
    return pa.array([None if cell is None else value(cell) for cell in cells], type)


def table_of(rows):
    arrays = [column(rows, place, type, value) for place, (_, type, value) in enumerate(COLUMNS)]
    return pa.table(arrays, names=[name for name, _, _ in COLUMNS])


FILES = [{files}]
COLUMNS = [
{columns}]
table = pa.concat_tables(table_of(rows(file)) for file in FILES)
"""
CELLS = {
    Kind.INTEGER: "int",
    Kind.DECIMAL: "lambda cell: Decimal(str(cell)).quantize(Decimal(1).scaleb(-{scale}), context=Context(prec=38))",
    Kind.BOOLEAN: "bool",
    Kind.DATE: "day",
    Kind.TIMESTAMP: "moment",
}


def load(table: Table) -> Script:
    """The result is `frame`."""
    escapes = lost.control_characters(table, lost.PARQUET) if table.form == "xlsx" else ()
    losses = (*losses_of_files(table), *escapes)
    checked = asserted(table, losses, "len(frame)", "frame[{name}].isna().sum()", "frame[{name}].sum()")
    files, decimals = ", ".join(map(repr, table.files)), uses_decimals(table, losses)
    if table.form == "parquet":
        head = imports("import pandas as pd", decimals)
        return Script(f"{head}\n\n{PARQUET.format(files=files)}\n{checked}", losses)
    if table.form == "xlsx":
        modules = [
            "import openpyxl",
            "import pyarrow as pa",
            "from datetime import date, datetime, timedelta, timezone",
        ]
        lines, decimals = (
            XLSX.format(files=files, columns=_columns(table)),
            "from decimal import Context, Decimal",
        )
    else:
        modules, lines = arrow_imports(table), arrow_lines(table)
    head = imports(*modules, "import pandas as pd", decimals)
    frame = "frame = table.to_pandas(types_mapper=pd.ArrowDtype)\n"
    return Script(f"{head}\n\n{lines}{frame}\n{checked}", losses)


def _columns(table: Table) -> str:
    return "".join(
        f"    ({column.name!r}, {arrow_type(column)}, {CELLS.get(column.kind, 'str').format(scale=column.scale or 0)}),\n"
        for column in table.columns
    )
