"""ClickHouse, by its function `file`, with every type named."""

from collections.abc import Iterator, Sequence

from export_pipelines.artifacts import ManifestColumn
from export_pipelines.catalog import Kind
from export_pipelines.recipes import losses as lost
from export_pipelines.recipes.recipe import Change, Script
from export_pipelines.recipes.sql import Sum, check, create_table, escaped_text, quoted, table_name, types_by
from export_pipelines.recipes.table import Table, path_of

TYPES = {
    Kind.TEXT: "Nullable(String)",
    Kind.INTEGER: "Nullable(Int64)",
    Kind.NUMBER: "Nullable(String)",
    Kind.DECIMAL: "Nullable(Decimal(38, {scale}))",
    Kind.BOOLEAN: "Nullable(Bool)",
    Kind.DATE: "Nullable(Date32)",
    Kind.TIMESTAMP: "Nullable(DateTime64(3, 'UTC'))",
    Kind.JSON: "Nullable(String)",
}
# a sum of 38 digits may go round there, and a bare number beyond 64 bits is a Float64
SUMS = {
    Kind.INTEGER: Sum("SUM(toInt128({}))", "toInt128('{}')"),
    Kind.DECIMAL: Sum("SUM(toDecimal256({}, {scale}))", "toDecimal256('{}', {scale})"),
}
FORMATS = {
    "csv": "CSVWithNames",
    "tsv, escaped": "TSVWithNames",
    "json": "JSONEachRow",
    "ndjson": "JSONEachRow",
    "parquet": "Parquet",
}
REMEDY = "format: csv or parquet"
CODECS = ("gzip", "zstd")
Tree = dict[str, "Tree | ManifestColumn"]


def load(table: Table) -> Script:
    """One statement for each file."""
    losses = lost.quoted_nulls(table)
    if table.form in ("json", "ndjson"):
        losses = lost.of_json(table, Change.JSON_TEXTS, REMEDY)
    names = [_letters(column.name) for column in table.columns]
    structure, values = (_cells if table.is_delimited else _members)(table)
    settings = ", ".join(f"{name} = {value}" for name, value in _settings(table))
    body = [create_table(table, names, types_by(TYPES), end=" ENGINE = MergeTree ORDER BY tuple()")]
    for file in table.files:
        name = escaped_text(table.read_as(file, *CODECS))
        source = f"file({name}, {FORMATS[table.form]}, {escaped_text(structure)})"
        selected = ",\n    ".join(values)
        end = f"\nSETTINGS {settings}" if settings else ""
        body.append(f"INSERT INTO {table_name(table)}\nSELECT\n    {selected}\nFROM {source}{end};")
    body.append(check(table, names, losses, sums=SUMS))
    return Script("\n".join(body), losses, table.unpackings(*CODECS))


def _settings(table: Table) -> Iterator[tuple[str, str]]:
    if table.form == "csv":
        yield "input_format_csv_trim_whitespaces", "0"
        yield "format_csv_null_representation", escaped_text(table.marker)
        yield "format_csv_delimiter", escaped_text(table.delimiter)
    if table.form in ("json", "ndjson"):
        yield "input_format_json_read_objects_as_strings", "1"
        yield "input_format_json_read_numbers_as_strings", "1"


def _cells(table: Table) -> tuple[str, list[str]]:
    """Cells that may be quoted are read as texts."""
    types = types_by(TYPES)
    columns = list(zip(map(_quoted, table.headers), table.columns, strict=True))
    if table.manifest.options.get("quote", "minimal") == "minimal" and not table.quotes_nulls:
        structure = ", ".join(f"{name} {types(column)}" for name, column in columns)
        return structure, [name for name, _ in columns]
    structure = ", ".join(f"{name} Nullable(String)" for name, _ in columns)
    return structure, [_cast(table, *column) for column in columns]


def _cast(table: Table, value: str, column: ManifestColumn) -> str:
    if table.quotes_nulls and lost.reads_as_null(table, column):
        value = f"nullIf({value}, '')"
    return f"CAST({value}, {escaped_text(types_by(TYPES)(column))})"


def _members(table: Table) -> tuple[str, list[str]]:
    tree: Tree = {}
    values = []
    for column in table.columns:
        path: Sequence[str] = (column.name,) if table.form == "parquet" else path_of(column)
        node = tree
        for step in path[:-1]:
            inner = node.setdefault(step, {})
            assert isinstance(inner, dict)
            node = inner
        node[path[-1]] = column
        value = _quoted(path[0])
        for step in path[1:]:
            value = f"tupleElement({value}, {escaped_text(step)})"
        values.append(value)
    return _structure(tree), values


def _structure(tree: Tree) -> str:
    types = types_by(TYPES)
    return ", ".join(
        f"{_quoted(name)} " + (f"Tuple({_structure(node)})" if isinstance(node, dict) else types(node))
        for name, node in tree.items()
    )


def _letters(name: str) -> str:
    """A backslash escapes in identifiers too."""
    return name.replace("\\", "\\\\")


def _quoted(name: str) -> str:
    return quoted(_letters(name))
