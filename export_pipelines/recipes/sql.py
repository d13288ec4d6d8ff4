"""What recipes in SQL share: quoting, tables, and the query that tells what did not arrive."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from export_pipelines.artifacts import ManifestColumn
from export_pipelines.catalog import Kind
from export_pipelines.recipes.recipe import Change, Loss
from export_pipelines.recipes.table import Table

# not in a literal, where databases read it in ways of their own; the name is for a person alone
LABEL = re.compile(r"[\\'\"`\s]+")
Types = Callable[[ManifestColumn], str]
NULLS_CHANGE = {
    Change.NULL_IS_EMPTY,
    Change.NULL_IS_MARKER,
    Change.EMPTY_IS_NULL,
    Change.MARKER_IS_NULL,
    Change.WORD_IS_NULL,
    Change.BLANKS,
}


def quoted(name: str, mark: str = '"') -> str:
    """An identifier, in marks."""
    return mark + name.replace(mark, mark * 2) + mark


def table_name(table: Table, mark: str = '"') -> str:
    """The table's name; each word between dots is in marks."""
    return ".".join(quoted(word, mark) for word in table.name.split("."))


def text(value: str) -> str:
    """A literal, where a backslash is a letter."""
    return "'" + value.replace("'", "''") + "'"


def escaped_text(value: str) -> str:
    """A literal, where a backslash escapes."""
    value = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return "'" + value.replace("\t", "\\t") + "'"


def types_by(kinds: Mapping[Kind, str]) -> Types:
    """A type for each kind; `{scale}` in it is that of the column."""
    return lambda column: kinds[column.kind].format(scale=column.scale or 0)


def create_table(
    table: Table,
    names: Sequence[str],
    types: Types,
    *,
    mark: str = '"',
    verb: str = "CREATE TABLE",
    end: str = "",
) -> str:
    """The statement that makes the table, a line a column."""
    columns = (
        f"    {quoted(name, mark)} {types(column)}" for name, column in zip(names, table.columns, strict=True)
    )
    return f"{verb} {table_name(table, mark)} (\n" + ",\n".join(columns) + f"\n){end};"


def check(
    table: Table,
    names: Sequence[str],
    losses: Collection[Loss],
    *,
    mark: str = '"',
    summed: Collection[Kind] = (Kind.INTEGER, Kind.DECIMAL),
    sum_of: str = "SUM({})",
    literal: str = "{}",
) -> str:
    """A query of what differs from the manifest: without a row, all that it states has arrived. `summed` are kinds whose sums
    the database keeps exact, `sum_of` and `literal` how it spells a sum, and the number that is compared with it."""
    m = _prefix(names)
    measured, tests = [f"COUNT(*) AS {m}"], [("rows", f"{m} <> {table.manifest.rows}")]
    for place, (kind, what, expression, test) in enumerate(
        _statements(table, names, losses, mark, sum_of, literal)
    ):
        if kind is None or kind in summed:
            measured.append(f"{expression} AS {m}{place}")
            tests.append((what, test.format(rows=m, measure=f"{m}{place}")))
    selects = [f"SELECT {text(what)} AS differs FROM loaded WHERE {test}" for what, test in tests]
    columns = ",\n    ".join(measured)
    return (
        "-- Without a row, rows, nulls and sums are those of the manifest.\n"
        f"WITH loaded AS (SELECT\n    {columns}\nFROM {table_name(table, mark)})\n"
        + "\nUNION ALL ".join(selects)
        + ";"
    )


def _statements(
    table: Table, names: Sequence[str], losses: Collection[Loss], mark: str, sum_of: str, literal: str
) -> Iterator[tuple[Kind | None, str, str, str]]:
    unknown = {name for loss in losses if loss.change in NULLS_CHANGE for name in loss.columns}
    rounded = {name for loss in losses if loss.change is Change.ROUNDED for name in loss.columns}
    for name, column in zip(names, table.columns, strict=True):
        stated, word = column.statistics, LABEL.sub(" ", column.name)
        if stated is None:
            continue
        if column.name not in unknown:
            yield (
                None,
                f"nulls of {word}",
                f"COUNT({quoted(name, mark)})",
                f"{{rows}} - {{measure}} <> {stated.nulls}",
            )
        if stated.sum is not None and column.name not in rounded:
            sum = sum_of.format(quoted(name, mark))
            total = literal.format(stated.sum)
            yield column.kind, f"sum of {word}", sum, f"COALESCE({{measure}}, 0) <> {total}"


def _prefix(names: Sequence[str]) -> str:
    """Of names for what is measured, which no column has: ClickHouse would take the measure for the column."""
    prefix = "m"
    while any(name.casefold().startswith(prefix) for name in names):
        prefix += "m"
    return prefix
