"""What recipes in SQL share: quoting, tables, and the query that tells what did not arrive."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from export_pipelines.artifacts import ManifestColumn
from export_pipelines.catalog import Kind
from export_pipelines.recipes.recipe import Change, Loss
from export_pipelines.recipes.table import Table

# not in a literal, where databases read it in ways of their own; the name is for a person alone
LABEL = re.compile(r"[\\'\"`\s]+")
Types = Callable[[ManifestColumn], str]
SUMMED_DIGITS = 38  # that every database keeps
NULLS_CHANGE = {
    Change.NULL_IS_EMPTY,
    Change.NULL_IS_MARKER,
    Change.EMPTY_IS_NULL,
    Change.MARKER_IS_NULL,
    Change.WORD_IS_NULL,
    Change.BLANKS,
}


class Sum(NamedTuple):
    """How a database spells a sum of `{}`, and the number that is compared with it: exact beyond the digits of a column, which
    has `{scale}` digits after the point."""

    measure: str = "SUM({})"
    number: str = "{}"


SUMS: Mapping[Kind, Sum] = {Kind.INTEGER: Sum(), Kind.DECIMAL: Sum()}


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
    sums: Mapping[Kind, Sum] = SUMS,
) -> str:
    """A query of what differs from the manifest: without a row, all that it states has arrived. `sums` are of the kinds whose
    sums the database keeps exact."""
    m = _prefix(names)
    measured, tests = [f"COUNT(*) AS {m}"], [("rows", f"{m} <> {table.manifest.rows}")]
    for place, (what, expression, test) in enumerate(_statements(table, names, losses, mark, sums)):
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
    table: Table, names: Sequence[str], losses: Collection[Loss], mark: str, sums: Mapping[Kind, Sum]
) -> Iterator[tuple[str, str, str]]:
    unknown = {name for loss in losses if loss.change in NULLS_CHANGE for name in loss.columns}
    rounded = {name for loss in losses if loss.change is Change.ROUNDED for name in loss.columns}
    for name, column in zip(names, table.columns, strict=True):
        stated, word = column.statistics, LABEL.sub(" ", column.name)
        if stated is None:
            continue
        if column.name not in unknown:
            yield (
                f"nulls of {word}",
                f"COUNT({quoted(name, mark)})",
                f"{{rows}} - {{measure}} <> {stated.nulls}",
            )
        if _is_summed(stated.sum) and column.kind in sums and column.name not in rounded:
            spelled, scale = sums[column.kind], column.scale or 0
            number = spelled.number.format(stated.sum, scale=scale)
            yield (
                f"sum of {word}",
                spelled.measure.format(quoted(name, mark), scale=scale),
                f"COALESCE({{measure}}, 0) <> {number}",
            )


def _is_summed(sum: str | None) -> bool:
    return sum is not None and len(sum.lstrip("-").replace(".", "")) <= SUMMED_DIGITS


def _prefix(names: Sequence[str]) -> str:
    """Of names for what is measured, which no column has: ClickHouse would take the measure for the column."""
    prefix = "m"
    while any(name.casefold().startswith(prefix) for name in names):
        prefix += "m"
    return prefix
