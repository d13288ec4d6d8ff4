"""Listings, records and JSON for stdout: one way to print what there are several of, for people and for programs."""

import json as json_text
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

import typer

from export_pipelines.cli.context import show
from export_pipelines.text_tables import table_lines

NO_TERMINAL_WIDTH = 160
Json = Annotated[bool, typer.Option("--json", help="For programs: JSON on stdout, nothing else there.")]
Item = TypeVar("Item")
Columns = Mapping[str, Callable[[Item], Any]]  # header -> cell


def show_json(data: Any) -> None:
    """`data` as JSON; anything that JSON does not know, as its text."""
    show(json_text.dumps(data, indent=2, ensure_ascii=False, default=str))


def show_listing(
    items: Sequence[Item],
    columns: Columns[Item],
    as_json: Callable[[Item], Any],
    *,
    json: bool,
    empty: str = "nothing",
    more: Iterable[Any] = (),
) -> None:
    """`items` as a table of `columns`, and `empty` where there are none; with `json`, as the list of what `as_json` makes
    of each, and `more` that has no place in the table."""
    if json:
        show_json([*map(as_json, items), *more])
    else:
        show_table(items, columns, empty)


def show_table(items: Sequence[Item], columns: Columns[Item], empty: str = "nothing") -> None:
    """Aligned columns under their headers; without items, `empty` alone."""
    if items:
        cells = [[cell(item) for cell in columns.values()] for item in items]
        show("\n".join(table_lines(cells, tuple(columns))))
    else:
        show(empty)


def show_rows(headers: Sequence[str], rows: Sequence[Sequence[str]], empty: str) -> None:
    """A table where it fits, else each row as a block of `header  value` lines; values in full."""
    from rich.cells import cell_len

    lines = table_lines(rows, headers)
    if not rows:
        show(empty)
    elif max(map(cell_len, lines)) <= shutil.get_terminal_size((NO_TERMINAL_WIDTH, 24)).columns:
        show("\n".join(lines))
    else:
        for number, row in enumerate(rows, 1):
            show(f"row {number}")
            for line in table_lines(zip(headers, row, strict=True)):
                show(f"  {line}")
