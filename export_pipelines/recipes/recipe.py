"""A recipe: the text that loads an artifact into another program, and what that program cannot keep."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from export_pipelines.recipes.table import Table

LISTED_COLUMNS = 6  # in a comment


class Change(StrEnum):
    """What becomes of a value that a reader cannot keep."""

    NULL_IS_EMPTY = "null becomes the empty text"
    NULL_IS_MARKER = "null stays the letters of the null marker"
    EMPTY_IS_NULL = "the empty text becomes null"
    MARKER_IS_NULL = "a text that equals the null marker becomes null"
    WORD_IS_NULL = "the text NULL becomes null"
    LINE_BREAKS = "line breaks with CR in a text become LF"
    BLANKS = "a text of nothing but blanks becomes empty or null"
    ROUNDED = "a number of more than 15 digits is rounded"
    ROUNDED_IN_JSON = "numbers of more than 15 digits inside JSON are rounded"
    JSON_TEXTS = "JSON that is nothing but a text loses its quotes"
    CONTROL = "a control character in a text becomes letters such as _x0001_"
    CUT = "a text is cut to the 32,767 characters of a cell"
    ROWS_LEFT_OUT = "rows beyond the 1,048,576 of a sheet are left out"
    SAME_NAME = "columns whose names differ in case alone are mixed up or refused"
    PREFIXED = "texts that a spreadsheet would run begin with '"


@dataclass(frozen=True)
class Loss:
    """A change, the columns in which it may occur, and what the export must say to keep the values."""

    change: Change
    columns: tuple[str, ...]
    remedy: str


@dataclass(frozen=True)
class Script:
    """The body of a recipe and its losses; `first` are commands for the shell that come before it. `is_run` is False where
    there is nothing to run."""

    body: str
    losses: tuple[Loss, ...] = ()
    first: tuple[str, ...] = ()
    is_run: bool = True


@dataclass(frozen=True)
class Reader:
    """A program that reads artifacts: the forms of files that it has a recipe for, how a recipe, `{file}`, is run in which
    `folder`, and how a comment begins in it. `limit` is what no option of the export changes; `checked` says why a recipe is not run by the tests."""

    title: str
    forms: tuple[str, ...]
    run: str
    load: Callable[[Table], Script]
    extension: str
    comment: str = "--"
    limit: str = ""
    checked: str = ""
    folder: str = "the folder of the files"


@dataclass(frozen=True)
class Recipe:
    """What a person runs: `text`, for the shell in the folder of the files after `first`."""

    reader: Reader
    text: str
    losses: tuple[Loss, ...]
    first: tuple[str, ...]


def recipe_text(table: Table, reader: Reader, script: Script, losses: Iterable[Loss], file: str) -> str:
    """The script, as it lies in `file`, below what a person must know first."""
    lines = "\n".join(f"{reader.comment} {line}" for line in _head(table, reader, script, losses, file))
    return f"{lines}\n\n{script.body.strip()}\n"


def _head(table: Table, reader: Reader, script: Script, losses: Iterable[Loss], file: str) -> Iterable[str]:
    manifest = table.manifest
    losses = tuple(losses)
    for loss in losses:
        yield f"LOSES: {loss.change}, in {listed(loss.columns)}. To keep it: {loss.remedy}"
    if not losses:
        yield "Loses nothing" + (
            ", by its documentation." if reader.checked else ": each value arrives as it was exported."
        )
    if reader.limit:
        yield f"Limit: {reader.limit}"
    codec = "" if table.codec == "none" else f", {table.codec}"
    files = "1 file" if len(table.files) == 1 else f"{len(table.files):,} files"
    yield f"{reader.title}: {manifest.rows:,} rows of {manifest.artifact}, {files} of {table.form}{codec}"
    if manifest.is_sealed:
        yield "The files are sealed in the store: fetch them from a delivery or as a download first, which are not."
    for command in script.first:
        yield f"First, in the shell: {command}"
    if script.is_run:
        saved = f"Save it as {file}, and run it" if "{file}" in reader.run else "Run it"
        yield f"{saved} in {reader.folder}: {reader.run.format(file=file)}"
    if reader.checked:
        yield reader.checked


def listed(names: Iterable[str]) -> str:
    """Names in one line, the first few of many."""
    names = [" ".join(name.split()) for name in names]
    more = len(names) - LISTED_COLUMNS
    return ", ".join(names[:LISTED_COLUMNS]) + (f" and {more:,} more" if more > 0 else "")
