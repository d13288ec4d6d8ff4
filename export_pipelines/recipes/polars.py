"""Polars: every column is read as a text, and cast; JSON goes through Arrow, since Polars would make doubles of its decimals."""

from collections.abc import Iterator

from export_pipelines.artifacts import ManifestColumn
from export_pipelines.catalog import Kind
from export_pipelines.recipes import losses as lost
from export_pipelines.recipes.python import (
    MODULES,
    arrow_imports,
    arrow_lines,
    asserted,
    imports,
    losses_of_files,
    uses_decimals,
)
from export_pipelines.recipes.recipe import Loss, Script
from export_pipelines.recipes.table import Table

TYPED = {
    Kind.INTEGER: "{cell}.cast(pl.Int64)",
    Kind.DECIMAL: "{cell}.cast(pl.Decimal(38, {scale}))",
    Kind.BOOLEAN: '{cell}.replace_strict({{"true": True, "false": False}}, return_dtype=pl.Boolean)',
    Kind.DATE: '{cell}.str.to_date("%Y-%m-%d")',
    Kind.TIMESTAMP: '{cell}.str.to_datetime("%Y-%m-%dT%H:%M:%S%.3fZ", time_unit="ms").dt.replace_time_zone("UTC")',
}
ESCAPES = '.str.replace_many(["\\\\\\\\", "\\\\t", "\\\\n", "\\\\r"], ["\\\\", "\\t", "\\n", "\\r"])'


def load(table: Table) -> Script:
    """The result is `frame`."""
    losses = tuple(_losses(table))
    checked = asserted(
        table, losses, "frame.height", "frame[{name}].null_count()", "(frame[{name}].sum() or 0)"
    )
    files, decimals = f"FILES = [{', '.join(map(repr, table.files))}]\n", uses_decimals(table, losses)
    if table.form in ("json", "ndjson"):
        head = imports(*arrow_imports(table), "import polars as pl", decimals)
        return Script(f"{head}\n\n{arrow_lines(table)}frame = pl.from_arrow(table)\n\n{checked}", losses)
    if table.form == "parquet":
        head = imports("import polars as pl", decimals)
        lines = f"{files}frame = pl.concat(pl.read_parquet(file) for file in FILES)\n"
        return Script(f"{head}\n\n{lines}\n{checked}", losses)
    head = imports("import polars as pl", MODULES["zip"] if table.codec == "zip" else "", decimals)
    return Script(f"{head}\n\n{files}{_delimited(table)}\n{checked}", losses)


def _losses(table: Table) -> Iterator[Loss]:
    yield from losses_of_files(table)
    if table.form != "tsv, escaped":
        yield from lost.marker_is_null(table, f"{lost.ESCAPED}, or leave the marker out", always=True)


def _delimited(table: Table) -> str:
    source = (
        "zipfile.ZipFile(file).read(zipfile.ZipFile(file).namelist()[0])" if table.codec == "zip" else "file"
    )
    is_escaped = table.form == "tsv, escaped"
    options = f"separator={table.delimiter!r}"
    options += ", quote_char=None, empty_string_is_null=False" if is_escaped else ""
    options += f", null_values=[{table.marker!r}]" if table.marker else ""
    cells = [f"c{place}" for place in range(len(table.columns))]
    values = "".join(
        f"    {_typed(table, column, cell)}.alias({column.name!r}),\n"
        for column, cell in zip(table.columns, cells, strict=True)
    )
    return (
        f"CELLS = {cells}\nframe = pl.concat(\n"
        f"    pl.read_csv({source}, new_columns=CELLS, infer_schema=False, {options})\n    for file in FILES\n)\n"
        f"frame = frame.select(\n{values})\n"
    )


def _typed(table: Table, column: ManifestColumn, name: str) -> str:
    cell = f'pl.col("{name}")'
    if table.form == "tsv, escaped":
        cell += ESCAPES
    if table.quotes_nulls and lost.reads_as_null(table, column):
        cell = f'pl.when({cell} != "").then({cell})'
    return TYPED.get(column.kind, "{cell}").format(cell=f"({cell})", scale=column.scale or 0)
