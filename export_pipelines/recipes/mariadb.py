"""MariaDB, by LOAD DATA LOCAL INFILE through its client, which unpacks the files first."""

import shlex
from collections.abc import Iterator, Sequence

from export_pipelines.artifacts import ManifestColumn
from export_pipelines.catalog import Kind
from export_pipelines.recipes import losses as lost
from export_pipelines.recipes.recipe import Loss, Script
from export_pipelines.recipes.sql import check, create_table, escaped_text, quoted, table_name, types_by
from export_pipelines.recipes.table import Table, distinct_names

LONGEST_NAME = 64
WORD = "NULL"  # bare, it is null, where cells may be quoted and nothing escapes
TYPES = {
    Kind.TEXT: "LONGTEXT",
    Kind.INTEGER: "BIGINT",
    Kind.NUMBER: "LONGTEXT",
    Kind.DECIMAL: "DECIMAL(38, {scale})",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.DATE: "DATE",
    Kind.TIMESTAMP: "DATETIME(3)",
    Kind.JSON: "JSON",
}


def load(table: Table) -> Script:
    """Each cell goes through a variable, since times, truths and nulls are spelled otherwise there."""
    names = distinct_names(table, LONGEST_NAME)
    losses = tuple(_losses(table))
    create = create_table(
        table, names, types_by(TYPES), mark="`", end=" CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"
    )
    body = [
        "SET NAMES utf8mb4;",
        "SET time_zone = '+00:00';  -- DATETIME has no zone: times are in UTC",
        create,
        *_loads(table, names),
        check(table, names, losses, mark="`"),
    ]
    return Script("\n".join(body), losses)


def _losses(table: Table) -> Iterator[Loss]:
    if table.form == "tsv, escaped" or table.marker == WORD:
        return
    if table.marker:
        yield from lost.marker_is_null(table, lost.MARKER)
    else:
        yield from lost.empty_is_null(table, lost.MARKER)
    if table.manifest.options.get("quote", "minimal") == "minimal":
        yield from lost.word_is_null(table, lost.MARKER)


def _loads(table: Table, names: Sequence[str]) -> Iterator[str]:
    variables = [f"@c{place}" for place in range(len(names))]
    values = ",\n    ".join(
        f"{quoted(name, '`')} = {_value(table, column, variable)}"
        for name, column, variable in zip(names, table.columns, variables, strict=True)
    )
    if table.form == "tsv, escaped":
        fields = "FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\'"
    else:
        by = escaped_text(table.delimiter)
        fields = f"FIELDS TERMINATED BY {by} OPTIONALLY ENCLOSED BY '\"' ESCAPED BY ''"
    for file in table.files:
        name, unpacked = file, table.codec != "none" or table.has_bom
        if unpacked:
            name = f"{table.unpacked(file)}.rows"
            yield f"\\! {table.unpacking(file)} > {shlex.quote(name)}"
        yield (
            f"LOAD DATA LOCAL INFILE {escaped_text(name)} INTO TABLE {table_name(table, '`')} CHARACTER SET utf8mb4\n"
            f"{fields} LINES TERMINATED BY {escaped_text(table.line_end)} IGNORE 1 LINES\n"
            f"({', '.join(variables)})\nSET {values};\nSHOW WARNINGS;"
        )
        if unpacked:
            yield f"\\! rm {shlex.quote(name)}"


def _value(table: Table, column: ManifestColumn, variable: str) -> str:
    value = variable
    if table.form != "tsv, escaped" and table.marker != WORD and lost.reads_as_null(table, column):
        # other collations take blanks for the empty text
        value = f"NULLIF({variable}, _utf8mb4 {escaped_text(table.marker)} COLLATE utf8mb4_nopad_bin)"
    match column.kind:
        case Kind.TIMESTAMP:
            return f"REPLACE(REPLACE({value}, 'T', ' '), 'Z', '')"
        case Kind.BOOLEAN:
            return f"CASE {variable} WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"
        case _:
            return value
