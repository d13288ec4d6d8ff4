"""Excel by Power Query, and LibreOffice by its import filter: every column of a text file is a text, so that nothing is guessed."""

import shlex
from collections.abc import Iterator

from export_pipelines.artifacts import ManifestColumn
from export_pipelines.catalog import Kind
from export_pipelines.recipes import losses as lost
from export_pipelines.recipes.recipe import Change, Loss, Script
from export_pipelines.recipes.table import Table, may_be_empty, named

XLSX = "format: xlsx"
M_TYPES = {
    Kind.INTEGER: "Int64.Type",
    Kind.DECIMAL: "type text",
    Kind.BOOLEAN: "type logical",
    Kind.DATE: "type date",
    Kind.TIMESTAMP: "type datetimezone",
}
CELL_UNITS, SHEET_ROWS = 32_767, 1_048_576  # units of UTF-16; the header is a row
LIMIT = "a cell holds 32,767 characters, those beyond U+FFFF counted twice, and a sheet 1,048,576 rows: what is more is left out silently."
UTF_8, DOUBLE_QUOTE, TEXT_COLUMN = 76, 34, 2


def excel(table: Table) -> Script:
    """A query in M for the advanced editor; a workbook needs none."""
    if table.form == "xlsx":
        return _opened(table, "//")
    losses = tuple(_losses(table))
    width, delimiter = len(table.columns), _m_text(table.delimiter)
    types = ",\n        ".join(
        f"{{{_m_text(header)}, {M_TYPES.get(column.kind, 'type text')}}}"
        for header, column in zip(table.headers, table.columns, strict=True)
    )
    names = ", ".join(map(_m_text, table.headers))
    files = ", ".join(f"Folder & {_m_text(table.read_as(file))}" for file in table.files)
    body = f"""\
let
    Folder = "C:\\PATH\\",
    Rows = (File) => Table.PromoteHeaders(Csv.Document(File.Contents(File),
        [Delimiter = {delimiter}, Columns = {width}, Encoding = 65001, QuoteStyle = QuoteStyle.Csv]), [PromoteAllScalars = false]),
    Texts = Table.Combine(List.Transform({{{files}}}, Rows)),
    Nulls = Table.ReplaceValue(Texts, {_m_text(table.marker)}, null, Replacer.ReplaceValue, {{{names}}}),
    Typed = Table.TransformColumnTypes(Nulls, {{
        {types}}}, "en-US"),
    Checked = if Table.RowCount(Typed) = {table.manifest.rows} then Typed else error "not all rows arrived"
in
    Checked"""
    return Script(body, losses, table.unpackings())


def _opened(table: Table, comment: str) -> Script:
    lines = (f"{comment} {file}: open it, nothing is to be imported." for file in table.files)
    return Script("\n".join(lines), is_run=False)


def _losses(table: Table) -> Iterator[Loss]:
    if table.marker:
        yield from lost.marker_is_null(table, XLSX, always=True)
    else:
        columns = [column for column in table.columns if may_be_empty(column)]
        yield from lost.loss(Change.EMPTY_IS_NULL, named(columns), lost.MARKER)
    yield from lost.rounded(table, lost.PARQUET, (Kind.INTEGER,))
    yield from _beyond_sheet(table, table.manifest.rows, "load the query to the data model")


def _beyond_sheet(table: Table, rows: int, remedy: str) -> Iterator[Loss]:
    """What the manifest states to be more than a cell, or a sheet with so many `rows`, holds."""
    yield from lost.loss(Change.CUT, named(filter(_is_beyond_cell, table.columns)), lost.PARQUET)
    if rows + 1 > SHEET_ROWS:
        yield from lost.loss(Change.ROWS_LEFT_OUT, named(table.columns), remedy)


def _is_beyond_cell(column: ManifestColumn) -> bool:
    stated = column.statistics
    units = min(stated.longest_bytes or 0, 2 * (stated.longest_characters or 0)) if stated else 0
    return units > CELL_UNITS


def libreoffice(table: Table) -> Script:
    """A workbook of each file, made by `soffice`."""
    if table.form == "xlsx":
        return _opened(table, "#")
    nulls = lost.null_is_marker(table, XLSX) if table.marker else lost.null_is_empty(table, XLSX)
    longest = max(part.rows for part in table.manifest.parts)
    beyond = _beyond_sheet(table, longest, f"split: {{rows: {SHEET_ROWS - 1}}}")
    losses = (*nulls, *lost.line_breaks(table, XLSX), *beyond)
    columns = "/".join(f"{place}/{TEXT_COLUMN}" for place in range(1, len(table.columns) + 1))
    filter = f"CSV:{ord(table.delimiter)},{DOUBLE_QUOTE},{UTF_8},1,{columns}"
    lines = ["set -e"]
    for file in table.files:
        name = table.unpacked(file)
        if table.codec != "none" or table.has_bom:
            name = f"{name}.plain.csv"
            lines.append(f"{table.unpacking(file)} > {shlex.quote(name)}")
        lines.append(_soffice(f"--infilter={filter} ", name, "xlsx"))
    return Script("\n".join(lines), losses)


def _soffice(filter: str, file: str, form: str) -> str:
    return f"soffice --headless {filter}--convert-to {form} --outdir workbooks {shlex.quote(file)}"


def _m_text(value: str) -> str:
    signs = {"\t": "#(tab)", "\n": "#(lf)", "\r": "#(cr)"}
    return '"' + "".join(signs.get(sign, sign) for sign in value.replace('"', '""')) + '"'
