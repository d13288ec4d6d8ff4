"""Texts of a sheet that hold what XML cannot, or letters that read as an escape of it (`_x0041_`).

Not every reader undoes the escapes of a text that stands in its cell, but all undo those of shared strings. So these few
texts are shared, and all others stand in their cells, where they need no memory."""

import re
from collections.abc import Sequence

import polars as pl
import pyarrow as pa

from export_pipelines.encode.encoder import Columns
from export_pipelines.errors import DataError
from export_pipelines.transform.casts import place_of

LONGEST_TEXT = 32_767  # UTF-16 units of one cell
BEYOND_16_BITS = r"[\x{10000}-\x{10FFFF}]"
XML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
CONTROLS = [chr(n) for n in (*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF)]
ESCAPED = r"_x[0-9A-Fa-f]{4}_|[\x00-\x08\x0B\x0C\x0E-\x1F\x{FFFE}\x{FFFF}]"  # as Polars reads patterns
LIKE_ESCAPE = re.compile(f"_(?=x[0-9A-Fa-f]{{4}}[_{''.join(map(re.escape, CONTROLS))}])")
LETTERS = str.maketrans(XML | {name: f"_x{ord(name):04X}_" for name in CONTROLS})
LOST_IN_OPENPYXL = "x005F_"  # it takes these letters out of shared strings, whatever stands before them
SHARED_BYTES = 8 * 2**20


def require_cells_hold(columns: Columns, frame: pl.DataFrame, batch: pa.RecordBatch) -> None:
    """Raises DataError for a text that no cell holds, with the id that its row has in `batch`."""
    for column in columns:
        values = frame[column.id]
        if values.dtype != pl.String or (values.str.len_bytes().max() or 0) <= LONGEST_TEXT:  # type: ignore[operator]
            continue
        units = values.str.len_chars() + values.str.count_matches(BEYOND_16_BITS)
        if len(rows := (units > LONGEST_TEXT).arg_true()):
            raise DataError(
                f"a text is longer than the {LONGEST_TEXT:,} characters of a cell in xlsx",
                where=place_of(batch, int(rows[0]), column.id),
                remedy="leave the field out, or take another format",
            )


class SharedTexts:
    """The shared strings of one part, each once. They are written when the sheet is, so they are held till then: what comes
    when they are `SHARED_BYTES` stands in its cell, cut so that nothing in it reads as an escape."""

    def __init__(self, first: int) -> None:
        """`first` is the number of the first one: the header has those below."""
        self.first = first
        self._items: dict[str, int] = {}
        self._bytes = 0

    def cells(self, frame: pl.DataFrame, ids: Sequence[str]) -> dict[str, pl.Series]:
        """The columns of `ids` that hold such texts: the rest of their cells' XML, null where a text is an ordinary one."""
        escaped = frame.select(pl.col(ids).str.contains(ESCAPED))
        escaped_rows = {id: escaped[id].arg_true().to_list() for id in ids if escaped[id].any()}
        cells: dict[str, list[str | None]] = {id: [None] * len(frame) for id in escaped_rows}
        # row by row, since the numbers of texts must not tell how rows were cut into frames
        for row, id in sorted((row, id) for id, rows in escaped_rows.items() for row in rows):
            cells[id][row] = self._cell(frame[id][row])
        return {id: pl.Series(content, dtype=pl.String) for id, content in cells.items()}

    def xml(self, start: int = 0) -> str:
        """The items from number `start` on."""
        return "".join(list(self._items)[start:])

    def __len__(self) -> int:
        return len(self._items)

    def cut(self, length: int) -> None:
        """Forgets all but the first `length`."""
        while len(self._items) > length:
            item, _ = self._items.popitem()
            self._bytes -= len(item)

    def _cell(self, text: str) -> str:
        item = f"<si>{_text(LIKE_ESCAPE.sub('_x005F_', text))}</si>"
        if item not in self._items:
            if LOST_IN_OPENPYXL in text or self._bytes + len(item) > SHARED_BYTES:
                return f' t="inlineStr"><is>{_in_pieces(text)}</is></c>'
            self._items[item] = self.first + len(self._items)
            self._bytes += len(item)
        return f' t="s"><v>{self._items[item]}</v></c>'


def _in_pieces(text: str) -> str:
    first, *others = LIKE_ESCAPE.split(text)
    if not others:
        return _text(text)
    return "".join(
        f"<r>{_text(name)}</r>" for name in (f"{first}_", *(f"{other}_" for other in others[:-1]), others[-1])
    )


def _text(text: str) -> str:
    return f'<t xml:space="preserve">{text.translate(LETTERS)}</t>'
