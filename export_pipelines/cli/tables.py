"""Tables, records and JSON for stdout: plain text that pipes well, in which no value can drive the terminal."""

import json
import re
import shutil
from collections.abc import Iterable, Sequence
from typing import Any

from export_pipelines.cli.context import show

GAP = "  "
NO_TERMINAL_WIDTH = 160
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def show_json(data: Any) -> None:
    """`data` as JSON; anything that JSON does not know, as its text."""
    show(json.dumps(data, indent=2, ensure_ascii=False, default=str))


def show_table(headers: Sequence[str], rows: Iterable[Sequence[Any]], empty: str = "nothing") -> None:
    """Aligned columns under their headers; numbers to the right. Without rows, `empty` alone."""
    lines = table_lines(headers, rows)
    show("\n".join(lines) if len(lines) > 1 else empty)


def table_lines(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """The lines of `show_table`, headers first."""
    from rich.cells import cell_len

    body = list(rows)
    texts = [[visible(head) for head in headers], *([_text(cell) for cell in row] for row in body)]
    widths = [max(cell_len(row[n]) for row in texts) for n in range(len(headers))]
    right = [bool(body) and all(isinstance(row[n], int) for row in body) for n in range(len(headers))]
    lines = []
    for row in texts:
        cells = []
        for cell, width, pushed in zip(row, widths, right, strict=True):
            blank = " " * (width - cell_len(cell))
            cells.append(blank + cell if pushed else cell + blank)
        lines.append(GAP.join(cells).rstrip())
    return lines


def show_rows(headers: Sequence[str], rows: Sequence[Sequence[str]], empty: str) -> None:
    """A table where it fits, else each row as a block of `header  value` lines; values in full."""
    from rich.cells import cell_len

    lines = table_lines(headers, rows)
    if not rows or max(map(cell_len, lines)) <= shutil.get_terminal_size((NO_TERMINAL_WIDTH, 24)).columns:
        show_table(headers, rows, empty)
        return
    width = max(map(cell_len, map(visible, headers)))
    for number, row in enumerate(rows, 1):
        show(f"row {number}")
        for head, cell in zip(headers, row, strict=True):
            name = visible(head)
            show(f"  {name}{' ' * (width - cell_len(name))}  {visible(cell)}".rstrip())


def visible(text: str) -> str:
    """`text` on one line: control characters and direction marks as escapes, `\\n`, `\\x1b`."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def size(number: float) -> str:
    """Bytes for people: `812 B`, `4.2 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            break
        number /= 1000
    return f"{number:,.0f} B" if unit == "B" else f"{number:,.1f} {unit}"


def counted(number: int, noun: str) -> str:
    """`1 row`, `1,204 rows`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else ""
    if isinstance(cell, int):
        return f"{cell:,}"
    return "" if cell is None else visible(str(cell))
