"""SQLite, by `.import` of its shell, which unpacks the files on the way. Its numbers are doubles or integers: decimals stay texts."""

from collections.abc import Iterator, Sequence

from export_pipelines.artifacts import ManifestColumn
from export_pipelines.catalog import Kind
from export_pipelines.recipes import losses as lost
from export_pipelines.recipes.recipe import Loss, Script
from export_pipelines.recipes.sql import check, create_table, quoted, table_name, text, types_by
from export_pipelines.recipes.table import Table, distinct_names, path_of

TYPES = {
    Kind.TEXT: "TEXT",
    Kind.INTEGER: "INTEGER",
    Kind.NUMBER: "TEXT",
    Kind.DECIMAL: "TEXT",
    Kind.BOOLEAN: "INTEGER",
    Kind.DATE: "TEXT",
    Kind.TIMESTAMP: "TEXT",
    Kind.JSON: "TEXT",
}
REMEDY = "format: ndjson"
CELLS = "export_cells"
LINES = '.mode ascii\n.separator "\\001" "\\n"'  # a sign that JSON never holds as it is: a line is one cell


def load(table: Table) -> Script:
    """Cells or lines go into a table of texts first."""
    names = distinct_names(table)
    losses = tuple(_losses(table))
    body = [".bail on", create_table(table, names, types_by(TYPES))]
    body += _delimited(table, names) if table.is_delimited else _objects(table, names)
    body += [f"DROP TABLE {CELLS};", ".mode list", check(table, names, losses, sums={})]
    return Script("\n".join(body), losses)


def _losses(table: Table) -> Iterator[Loss]:
    if table.is_delimited and table.marker:
        yield from lost.marker_is_null(table, REMEDY)
    elif table.is_delimited:
        yield from lost.empty_is_null(table, f"{REMEDY}, or {lost.MARKER}")


def _delimited(table: Table, names: Sequence[str]) -> Iterator[str]:
    cells = [f"c{place}" for place in range(len(names))]
    yield f"CREATE TEMPORARY TABLE {CELLS} ({', '.join(f'{cell} TEXT' for cell in cells)});"
    yield f'.mode csv\n.separator {_argument(table.delimiter)} "\\n"'
    yield from _imports(table, " --skip 1", "")
    values = ",\n    ".join(
        _cell(table, column, cell) for column, cell in zip(table.columns, cells, strict=True)
    )
    yield _insert(table, names, values, CELLS)


def _objects(table: Table, names: Sequence[str]) -> Iterator[str]:
    is_array = table.form == "json"
    yield f"CREATE TEMPORARY TABLE {CELLS} (value TEXT);\n{LINES}"
    yield from _imports(table, "", " | tr '\\n' ' '; echo" if is_array else "")
    values = ",\n    ".join(_member(path_of(column), column.kind) for column in table.columns)
    source = f"(SELECT item.value FROM {CELLS}, json_each({CELLS}.value) AS item)" if is_array else CELLS
    yield _insert(table, names, values, source)


def _imports(table: Table, options: str, filter: str) -> Iterator[str]:
    for file in table.files:
        yield f".import{options} {_argument('|' + table.unpacking(file) + filter)} {CELLS}"


def _insert(table: Table, names: Sequence[str], values: str, source: str) -> str:
    return (
        f"INSERT INTO {table_name(table)} ({', '.join(map(quoted, names))})\n"
        f"SELECT\n    {values}\nFROM {source};"
    )


def _cell(table: Table, column: ManifestColumn, cell: str) -> str:
    match column.kind:
        case Kind.INTEGER:
            return f"CAST(nullif({cell}, {text(table.marker)}) AS INTEGER)"
        case Kind.BOOLEAN:
            return f"CASE {cell} WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"
        case Kind.TEXT if not lost.reads_as_null(table, column):
            return cell
        case _:
            return f"nullif({cell}, {text(table.marker)})"


def _member(path: Sequence[str], kind: Kind) -> str:
    """Of a number and of JSON the letters of the file, which `->` gives."""
    place = text("$." + ".".join(f'"{step}"' for step in path))
    if kind in (Kind.DECIMAL, Kind.NUMBER, Kind.JSON):
        return f"nullif(value -> {place}, 'null')"
    return f"value ->> {place}"


def _argument(value: str) -> str:
    """An argument of a command of the shell."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t") + '"'
