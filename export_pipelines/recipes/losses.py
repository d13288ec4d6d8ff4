"""The losses of a table in a reader, as far as the manifest does not show that no value is concerned."""

from collections import Counter
from collections.abc import Collection

from export_pipelines.artifacts import ManifestColumn
from export_pipelines.catalog import Kind
from export_pipelines.recipes.recipe import Change, Loss
from export_pipelines.recipes.table import (
    NUMBERS,
    TEXTS,
    Table,
    may_be_empty,
    may_be_long,
    may_be_null,
    named,
)

VALUE_STARTS = '-0123456789tf{["n'  # of a number, a truth or JSON
PARQUET = "format: parquet"
MARKER = 'format: {csv: {null_marker: "NULL"}}'  # which YAML reads as null without quotes
ESCAPED = "format: {tsv: {escape: backslash}}"


def loss(change: Change, columns: tuple[str, ...], remedy: str) -> tuple[Loss, ...]:
    """The loss, unless no column is concerned."""
    return (Loss(change, columns, remedy),) if columns else ()


def of_files(table: Table) -> tuple[Loss, ...]:
    """What the files themselves do not hold, whoever reads them."""
    texts = tuple(column.name for column in table.columns if column.kind is Kind.TEXT)
    is_changed = table.manifest.options.get("spreadsheet_safe") and table.manifest.neutralised_cells
    return loss(Change.PREFIXED, texts if is_changed else (), "spreadsheet_safe: false")


def reads_as_null(table: Table, column: ManifestColumn) -> bool:
    """Whether a recipe that cannot tell null from an empty text takes empty cells of this column for null: everywhere but in
    texts that have no null."""
    return column.kind is not Kind.TEXT or may_be_null(column)


def empty_is_null(table: Table, remedy: str) -> tuple[Loss, ...]:
    """Of a reader that does not tell an empty cell from `""`, and takes both for null where there are nulls."""
    columns = (column for column in table.columns if may_be_empty(column) and reads_as_null(table, column))
    return loss(Change.EMPTY_IS_NULL, named(columns), remedy)


def null_is_empty(table: Table, remedy: str) -> tuple[Loss, ...]:
    """Of a reader that knows no null in a column of texts."""
    columns = (column for column in table.columns if column.kind in TEXTS and may_be_null(column))
    return loss(Change.NULL_IS_EMPTY, named(columns), remedy)


def null_is_marker(table: Table, remedy: str) -> tuple[Loss, ...]:
    """Of a reader that knows no marker."""
    return loss(Change.NULL_IS_MARKER, named(filter(may_be_null, table.columns)), remedy)


def quoted_nulls(table: Table) -> tuple[Loss, ...]:
    """Where the file itself does not tell null from the empty text."""
    remedy = f"{MARKER}, without quote: all, or {PARQUET}"
    return empty_is_null(table, remedy) if table.quotes_nulls else ()


def marker_is_null(table: Table, remedy: str, *, always: bool = False) -> tuple[Loss, ...]:
    """Of a reader that does not mind the quotes of a text that equals the marker; `always`, also in a column without nulls."""
    columns = (
        column
        for column in table.columns
        if table.marker and _may_be_marker(table, column) and (always or reads_as_null(table, column))
    )
    return loss(Change.MARKER_IS_NULL, named(columns), remedy)


def _may_be_marker(table: Table, column: ManifestColumn) -> bool:
    """Of personal columns the manifest counts nothing."""
    is_text = column.kind is Kind.TEXT or table.marker[0] in VALUE_STARTS
    return bool(table.manifest.like_null.get(column.id) or (column.statistics is None and is_text))


def word_is_null(table: Table, remedy: str) -> tuple[Loss, ...]:
    """Of a reader that takes a bare NULL for null."""
    columns = (column for column in table.columns if column.kind is Kind.TEXT and _may_hold(column, "NULL"))
    return loss(Change.WORD_IS_NULL, named(columns), remedy)


def control_characters(table: Table, remedy: str) -> tuple[Loss, ...]:
    """Of a reader of XLSX that leaves the escapes of control characters as they are."""
    columns = (column for column in table.columns if column.kind is Kind.TEXT and _may_hold(column, "\x01"))
    return loss(Change.CONTROL, named(columns), remedy)


def blanks(table: Table, remedy: str) -> tuple[Loss, ...]:
    """Of a reader that takes bare blanks for nothing."""
    is_bare = table.manifest.options.get("quote", "minimal") == "minimal" and len(table.columns) > 1
    columns = (
        column for column in table.columns if is_bare and column.kind is Kind.TEXT and _may_hold(column, " ")
    )
    return loss(Change.BLANKS, named(columns), remedy)


def line_breaks(table: Table, remedy: str) -> tuple[Loss, ...]:
    """Of a reader that knows one kind of line break."""
    columns = (column for column in table.columns if column.kind in TEXTS and _may_hold(column, "\r"))
    return loss(Change.LINE_BREAKS, named(columns), remedy)


def rounded(table: Table, remedy: str, kinds: Collection[Kind] = NUMBERS) -> tuple[Loss, ...]:
    """Of a reader that makes doubles of numbers of these kinds."""
    columns = (column for column in table.columns if column.kind in kinds and may_be_long(column))
    return loss(Change.ROUNDED, named(columns), remedy)


def same_names(table: Table) -> tuple[Loss, ...]:
    """Of a reader that finds columns by name, whatever its case."""
    names = Counter(column.name.casefold() for column in table.columns)
    columns = (column for column in table.columns if names[column.name.casefold()] > 1)
    return loss(Change.SAME_NAME, named(columns), "give them names that differ in more than their case")


def of_json(table: Table, change: Change, remedy: str) -> tuple[Loss, ...]:
    """What a reader of JSON does to objects that are kept as JSON."""
    return loss(change, named(column for column in table.columns if column.kind is Kind.JSON), remedy)


def _may_hold(column: ManifestColumn, text: str) -> bool:
    """Whether a text of the column may be so long."""
    stated = column.statistics
    return stated is None or (stated.longest_bytes or 0) >= len(text)
