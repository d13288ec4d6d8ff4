"""PostgreSQL, by COPY through psql, which unpacks the files on the way."""

from collections.abc import Iterator, Sequence

from export_pipelines.catalog import Kind
from export_pipelines.recipes import losses as lost
from export_pipelines.recipes.recipe import Script
from export_pipelines.recipes.sql import check, create_table, quoted, table_name, text, types_by
from export_pipelines.recipes.table import Table, distinct_names, path_of

LONGEST_NAME = 63
TYPES = {
    Kind.TEXT: "text",
    Kind.INTEGER: "bigint",
    Kind.NUMBER: "numeric",
    Kind.DECIMAL: "numeric(38, {scale})",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "date",
    Kind.TIMESTAMP: "timestamptz(3)",
    Kind.JSON: "json",
}
# signs that JSON never holds as they are: a line is one cell
LINES = "(FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02', ENCODING 'UTF8')"
LINE_TABLE = "export_lines"
# psql leaves out a line from a NUL on: as a byte that UTF-8 does not have, the server refuses it
WITHOUT_NUL = r"LC_ALL=C tr '\000' '\377'"
# psql before 18 ends at a line `\.` although it is within quotes; a quote may begin and end anywhere, so the cell stays
WITHOUT_END = r"""LC_ALL=C sed 's/^\\\.\([[:space:]]\{0,1\}\)$/"\\".\1/'"""


def load(table: Table) -> Script:
    """CSV and TSV go into the table as they are; objects into lines of JSON, of which each value is taken."""
    names = distinct_names(table, LONGEST_NAME, folded=False)
    losses = lost.quoted_nulls(table)
    statements = _copies(table, names) if table.is_delimited else _objects(table, names)
    body = [
        "\\set ON_ERROR_STOP on",
        "BEGIN;",
        "SET LOCAL timezone = 'UTC';",
        create_table(table, names, types_by(TYPES)),
        *statements,
        check(table, names, losses),
        "COMMIT;",
    ]
    return Script("\n".join(body), losses)


def _copies(table: Table, names: Sequence[str]) -> Iterator[str]:
    matches = tuple(names) == table.headers
    options = ["HEADER MATCH" if matches else "HEADER", "ENCODING 'UTF8'"]
    if table.form == "tsv, escaped":
        options = ["FORMAT text", *options]
    else:
        delimiter = "E'\\t'" if table.delimiter == "\t" else text(table.delimiter)
        options = ["FORMAT csv", *options, f"DELIMITER {delimiter}", f"NULL {text(table.marker)}"]
        nulls = [
            quoted(name)
            for name, column in zip(names, table.columns, strict=True)
            if lost.reads_as_null(table, column)
        ]
        if table.quotes_nulls and nulls:
            options.append(f"FORCE_NULL ({', '.join(nulls)})")
    for file in table.files:
        filters = [WITHOUT_NUL] if table.form == "tsv, escaped" else [WITHOUT_END, WITHOUT_NUL]
        command = text(" | ".join([table.unpacking(file), *filters]))
        yield f"\\copy {table_name(table)} FROM PROGRAM {command} WITH ({', '.join(options)})"


def _objects(table: Table, names: Sequence[str]) -> Iterator[str]:
    is_array = table.form == "json"
    yield f"CREATE TEMPORARY TABLE {LINE_TABLE} (line text) ON COMMIT DROP;"
    for file in table.files:
        command = table.unpacking(file) + (" | tr '\\n' ' '" if is_array else "")
        yield f"\\copy {LINE_TABLE} FROM PROGRAM {text(command)} WITH {LINES}"
    values = ",\n    ".join(_value(path_of(column), column.kind) for column in table.columns)
    columns = ", ".join(map(quoted, names))
    if not is_array:
        source = f"(SELECT line::json AS value FROM {LINE_TABLE}) AS objects"
    else:
        source = f"{LINE_TABLE} CROSS JOIN LATERAL json_array_elements(line::json) AS value"
    yield f"INSERT INTO {table_name(table)} ({columns})\nSELECT\n    {values}\nFROM {source};"


def _value(path: Sequence[str], kind: Kind) -> str:
    way = "".join(f" -> {text(step)}" for step in path[:-1])
    last = text(path[-1])
    if kind is Kind.JSON:
        return f"CASE WHEN json_typeof(value{way} -> {last}) <> 'null' THEN value{way} -> {last} END"
    type = {Kind.DECIMAL: "numeric", Kind.TIMESTAMP: "timestamptz"}.get(kind, TYPES[kind])
    return f"(value{way} ->> {last})::{type}"
