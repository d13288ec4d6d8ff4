"""Tables as plain text: columns aligned by what a terminal shows of them, in which no value can drive it."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

GAP = "  "
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def table_lines(rows: Iterable[Sequence[Any]], headers: Sequence[str] | None = None) -> list[str]:
    """A line a row, below that of the headers; columns of whole numbers to the right."""
    from rich.cells import cell_len

    body = list(rows)
    texts = [[_text(cell) for cell in row] for row in (*([headers] if headers else []), *body)]
    columns = range(len(texts[0])) if texts else range(0)
    widths = [max(cell_len(row[n]) for row in texts) for n in columns]
    right = [bool(body) and all(isinstance(row[n], int) for row in body) for n in columns]
    lines = []
    for row in texts:
        cells = []
        for cell, width, pushed in zip(row, widths, right, strict=True):
            blank = " " * (width - cell_len(cell))
            cells.append(blank + cell if pushed else cell + blank)
        lines.append(GAP.join(cells).rstrip())
    return lines


def visible(text: str) -> str:
    """`text` on one line: control characters and direction marks as escapes, `\\n`, `\\x1b`."""
    return _UNSEEN.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else ""
    if isinstance(cell, int):
        return f"{cell:,}"
    return "" if cell is None else visible(str(cell))
