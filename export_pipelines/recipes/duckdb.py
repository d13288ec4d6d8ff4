"""DuckDB, by its readers of files: every cell is read as a text, and cast to the type that the manifest states."""

from collections.abc import Iterator, Sequence

from export_pipelines.artifacts import ManifestColumn
from export_pipelines.catalog import Kind
from export_pipelines.recipes import losses as lost
from export_pipelines.recipes.recipe import Change, Loss, Script
from export_pipelines.recipes.sql import check, create_table, table_name, text, types_by
from export_pipelines.recipes.table import Table, distinct_names, longest_row_bytes, path_of

TYPES = {
    Kind.TEXT: "VARCHAR",
    Kind.INTEGER: "BIGINT",
    Kind.NUMBER: "VARCHAR",
    Kind.DECIMAL: "DECIMAL(38, {scale})",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.DATE: "DATE",
    Kind.TIMESTAMP: "TIMESTAMPTZ",
    Kind.JSON: "JSON",
}
REMEDY = "format: csv or parquet"
CODECS = ("gzip", "zstd")
LINE_BYTES, OBJECT_BYTES = 2_000_000, 16_777_216  # that it reads unless it is told
UNSTATED_BYTES = 16_777_216  # of a row of which the manifest tells nothing: more would take more memory, also for short rows


def load(table: Table) -> Script:
    """One statement reads all files."""
    names = distinct_names(table)
    losses = tuple(_losses(table))
    files = "[" + ", ".join(text(table.read_as(file, *CODECS)) for file in table.files) + "]"
    read = _parquet if table.form == "parquet" else _delimited if table.is_delimited else _objects
    values, source = read(table, files)
    selected = ",\n    ".join(values)
    body = [
        create_table(table, names, types_by(TYPES)),
        f"INSERT INTO {table_name(table)}\nSELECT\n    {selected}\nFROM {source};",
        check(table, names, losses),
    ]
    return Script("\n".join(body), losses, table.unpackings(*CODECS))


def _losses(table: Table) -> Iterator[Loss]:
    yield from lost.quoted_nulls(table)
    if table.form in ("json", "ndjson"):
        yield from lost.rounded(table, REMEDY, (Kind.DECIMAL, Kind.NUMBER))
        yield from lost.of_json(table, Change.ROUNDED_IN_JSON, REMEDY)


def _delimited(table: Table, files: str) -> tuple[list[str], str]:
    names = _places(table)
    columns = "{" + ", ".join(f"{text(name)}: 'VARCHAR'" for name in names) + "}"
    line = "'\\r\\n'" if table.line_end == "\r\n" else "'\\n'"
    options = (
        f"header = true, auto_detect = false, columns = {columns}, delim = {text(table.delimiter)}, quote = '\"', "
        f"escape = '\"', nullstr = {text(table.marker)}, allow_quoted_nulls = false, new_line = {line}"
        f"{_longest(table, 'max_line_size', LINE_BYTES)}"
    )
    values = [_cell(table, column, name) for column, name in zip(table.columns, names, strict=True)]
    return values, f"read_csv({files}, {options})"


def _cell(table: Table, column: ManifestColumn, cell: str) -> str:
    if column.kind is Kind.TEXT:
        return f"nullif({cell}, '')" if table.quotes_nulls and lost.reads_as_null(table, column) else cell
    value = f"nullif({cell}, '')" if table.quotes_nulls else cell
    return f"CAST({value} AS {types_by(TYPES)(column)})"


def _objects(table: Table, files: str) -> tuple[list[str], str]:
    kind = "array" if table.form == "json" else "newline_delimited"
    values = [_member(column) for column in table.columns]
    longest = _longest(table, "maximum_object_size", OBJECT_BYTES)
    return values, f"read_json_objects({files}, format = '{kind}'{longest})"


def _longest(table: Table, option: str, default: int) -> str:
    """The option for rows that may be longer than the default."""
    stated, whole = longest_row_bytes(table), max(part.raw_bytes for part in table.manifest.parts)
    most = min(whole, UNSTATED_BYTES if stated is None else stated)
    return f", {option} = {most}" if most > default else ""


def _member(column: ManifestColumn) -> str:
    place = text("$." + ".".join(f'"{step}"' for step in path_of(column)))
    if column.kind is Kind.JSON:
        return f"CASE WHEN json_type(json -> {place}) <> 'NULL' THEN json -> {place} END"
    return f"CAST(json ->> {place} AS {types_by(TYPES)(column)})"


def _parquet(table: Table, files: str) -> tuple[Sequence[str], str]:
    """By position: a name in another case is the same one there, and gives the first of such columns."""
    names = _places(table)
    return names, f"read_parquet({files}) AS cells({', '.join(names)})"


def _places(table: Table) -> list[str]:
    return [f"c{place}" for place in range(len(table.columns))]
