"""What recipes in Python share: the lines that read files into a table of Arrow, whatever their format and codec."""

from collections.abc import Collection, Iterator

from export_pipelines.artifacts import ManifestColumn
from export_pipelines.catalog import Kind
from export_pipelines.recipes import losses as lost
from export_pipelines.recipes.recipe import Change, Loss
from export_pipelines.recipes.sql import NULLS_CHANGE
from export_pipelines.recipes.table import Table, path_of

ARROW_TYPES = {
    Kind.TEXT: "pa.string()",
    Kind.INTEGER: "pa.int64()",
    Kind.NUMBER: "pa.string()",
    Kind.DECIMAL: "pa.decimal128(38, {scale})",
    Kind.BOOLEAN: "pa.bool_()",
    Kind.DATE: "pa.date32()",
    Kind.TIMESTAMP: 'pa.timestamp("ms", tz="UTC")',
    Kind.JSON: "pa.string()",
}
SUMMED_DIGITS = 18  # of integers and decimals whose sums no library rounds
OPENED = {
    "none": "open(file, 'rb').read()",
    "gzip": "gzip.open(file).read()",
    "zip": "zipfile.ZipFile(file).read(zipfile.ZipFile(file).namelist()[0])",
    "zstd": 'pa.input_stream(file, compression="zstd").read()',
}
MODULES = {"gzip": "import gzip", "zip": "import zipfile"}

DELIMITED = """\
def texts(file):
    table = pyarrow.csv.read_csv(
        pa.BufferReader({opened}),
        pyarrow.csv.ReadOptions(column_names=[name for name, *_ in COLUMNS], skip_rows_after_names=1, block_size=1 << 30),
        pyarrow.csv.ParseOptions(delimiter={delimiter!r}, newlines_in_values=True, ignore_empty_lines=False),
        pyarrow.csv.ConvertOptions(
            column_types={{name: pa.string() for name, *_ in COLUMNS}}, null_values=[{marker!r}],
            strings_can_be_null=True, quoted_strings_can_be_null=False,
        ),
    )
    return [column.combine_chunks() for column in table.columns]
"""
ESCAPED = """\
SIGNS = {"n": "\\n", "r": "\\r", "t": "\\t", "\\\\": "\\\\"}


def plain(cell):
    return None if cell == "\\\\N" else re.sub(r"\\\\(.)", lambda sign: SIGNS[sign[1]], cell)


def texts(file):
    rows = [line.split("\\t") for line in OPENED.decode().split("\\n")[1:-1]]
    return [pa.array([plain(row[place]) for row in rows], pa.string()) for place in range(len(COLUMNS))]
"""
OBJECTS = """\
PATHS = {paths}
Members = dict[str, msgspec.Raw]


def member(row, path, is_json):
    for step in path[:-1]:
        row = msgspec.json.decode(row[step], type=Members)
    letters = bytes(row[path[-1]])  # as they stand in the file, so that no number is rounded
    if letters == b"null":
        return None
    return msgspec.json.decode(letters) if letters.startswith(b'"') and not is_json else letters.decode()


def texts(file):
    rows = {rows}
    return [pa.array([member(row, *path) for row in rows], pa.string()) for path in PATHS]
"""
ROWS = {
    "json": "msgspec.json.decode({opened}, type=list[Members])",
    "ndjson": "msgspec.json.Decoder(Members).decode_lines({opened})",
}
TYPED = """\
def typed(column, type{parameter}):
{empty}    return column if type == pa.string() else column.cast(type)


table = pa.concat_tables(
    pa.table([typed(column, *rest) for column, (_, *rest) in zip(texts(file), COLUMNS)], names=[name for name, *_ in COLUMNS])
    for file in FILES
)
"""
EMPTY = """\
    if empty_is_null:  # the file has "" for both
        column = pc.if_else(pc.equal(column, ""), None, column)
"""


def arrow_type(column: ManifestColumn) -> str:
    """The expression of the column's type."""
    return ARROW_TYPES[column.kind].format(scale=column.scale or 0)


def imports(*lines: str) -> str:
    """In the order that Python's style guides ask for."""
    modules = sorted({line for line in lines if line})
    return "\n".join(
        [
            *(line for line in modules if line.startswith("import")),
            *(line for line in modules if line.startswith("from")),
        ]
    )


def arrow_lines(table: Table) -> str:
    """The lines that make `table`, of Arrow."""
    head = f"FILES = [{', '.join(map(repr, table.files))}]\n"
    if table.form == "parquet":
        return head + "table = pa.concat_tables(pyarrow.parquet.read_table(file) for file in FILES)\n"
    head += (
        "COLUMNS = [\n"
        + "".join(
            f"    ({column.name!r}, {arrow_type(column)}{_is_null(table, column)}),\n"
            for column in table.columns
        )
        + "]\n"
    )
    opened = OPENED[table.codec]
    if table.form == "tsv, escaped":
        read = ESCAPED.replace("OPENED", opened)
    elif table.is_delimited:
        read = DELIMITED.format(opened=opened, delimiter=table.delimiter, marker=table.marker)
    else:
        paths = (
            "[\n"
            + "".join(f"    ({path_of(column)!r}, {column.kind is Kind.JSON}),\n" for column in table.columns)
            + "]"
        )
        read = OBJECTS.format(paths=paths, rows=ROWS[table.form].format(opened=opened))
    typed = TYPED.format(
        parameter=", empty_is_null" if table.quotes_nulls else "", empty=EMPTY if table.quotes_nulls else ""
    )
    return f"{head}\n\n{read}\n\n{typed}"


def _is_null(table: Table, column: ManifestColumn) -> str:
    return f", {lost.reads_as_null(table, column)}" if table.quotes_nulls else ""


def arrow_imports(table: Table) -> list[str]:
    """What `arrow_lines` needs."""
    modules = {
        "parquet": ["import pyarrow.parquet"],
        "json": ["import msgspec"],
        "ndjson": ["import msgspec"],
        "tsv, escaped": ["import re"],
    }.get(table.form, ["import pyarrow.csv"])
    if table.quotes_nulls:
        modules.append("import pyarrow.compute as pc")
    return ["import pyarrow as pa", MODULES.get(table.codec, ""), *modules]


def losses_of_files(table: Table) -> tuple[Loss, ...]:
    """Of all readers in Python, whose numbers are exact."""
    return lost.quoted_nulls(table)


def stated_nulls(table: Table, losses: Collection[Loss]) -> Iterator[tuple[str, int]]:
    """Names of columns, and how many nulls they have."""
    unknown = {name for loss in losses if loss.change in NULLS_CHANGE for name in loss.columns}
    for column in table.columns:
        if column.statistics and column.name not in unknown:
            yield column.name, column.statistics.nulls


def stated_sums(table: Table, losses: Collection[Loss]) -> Iterator[tuple[str, str]]:
    """Names of columns of numbers, and their sums as they are written in Python."""
    rounded = {name for loss in losses if loss.change is Change.ROUNDED for name in loss.columns}
    for column in table.columns:
        stated = column.statistics.sum if column.statistics else None
        if stated and column.name not in rounded and len(stated.strip("-").replace(".", "")) <= SUMMED_DIGITS:
            yield column.name, stated if column.kind is Kind.INTEGER else f"Decimal({stated!r})"


def asserted(table: Table, losses: Collection[Loss], rows: str, nulls: str, sum: str) -> str:
    """The lines that compare the result with the manifest; `nulls` and `sum` are expressions with `{name}`."""
    lines = ["# what the manifest states", f"assert {rows} == {table.manifest.rows}"]
    lines += [
        f"assert {nulls.format(name=repr(name))} == {count}, {name!r}"
        for name, count in stated_nulls(table, losses)
    ]
    lines += [
        f"assert {sum.format(name=repr(name))} == {value}, {name!r}"
        for name, value in stated_sums(table, losses)
    ]
    return "\n".join(lines)


def uses_decimals(table: Table, losses: Collection[Loss]) -> str:
    """The import that `asserted` needs."""
    needs = any(value.startswith("Decimal") for _, value in stated_sums(table, losses))
    return "from decimal import Decimal" if needs else ""
