"""Reads a CSV file record by record, exactly: a text stream comes in, cells with line number and raw text go out.
A record that is not CSV comes out too, with its fault, so that nothing is lost."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from export_pipelines.importer.guess_dialect import SEPARATOR, reading

MAX_RECORD = 4 * 1024 * 1024  # characters: at most 16 MB, which is what databases take at once
SHOWN = 1000  # characters of a record that is longer
_TOO_LONG = f"longer than {MAX_RECORD:,} characters, of which the beginning is here"
_PLAIN = {
    "unexpected end of data": "a quoted cell is still open at the end of the file",
    "expected after": "text follows the closing quote of a cell; a quote inside a quoted cell is written twice",
    "field larger than": _TOO_LONG,
}


@dataclass(frozen=True)
class Record:
    """`line` is the physical line the record starts on, counted from 1; `raw` its text without the line's end.
    With a `fault`, `cells` are not to be used."""

    line: int
    cells: tuple[str, ...]
    raw: str
    fault: str | None = None


def read_records(stream: TextIO, delimiter: str, where: str = "") -> Iterator[Record]:
    """Every record, the header first; blank lines between records are none. Of a record that is not CSV its first line
    is the record, and reading goes on with the next line: a quote that nobody closed takes no other row with it. Raises
    ImportFileError when `where`, the file, stops being readable."""
    lines = _Lines(stream, where)
    named = stream.encoding.upper().removesuffix("-SIG") if stream.encoding else "text"
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = lines.taken + 1
        try:
            with _long_cells():
                cells = tuple(next(reader))
            fault = _unfit(cells, named)
            raw = lines.take()
        except StopIteration:
            return
        except csv.Error as error:
            cells, fault = (), _plain(error)
            raw = lines.take_first()
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
        if line == 1 and SEPARATOR.fullmatch(raw):
            continue
        if cells or fault:
            yield Record(line, cells, _readable(raw.rstrip("\r\n")), fault)


class _Lines:
    """The stream's lines, kept until the record they belong to takes them, and the number of those taken."""

    def __init__(self, stream: TextIO, where: str) -> None:
        self._stream, self._where = stream, where
        self._kept: list[str] = []
        self._again: list[str] = []  # the next one last
        self._size = self.taken = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._size > MAX_RECORD:
            raise csv.Error("field larger than a record may be")
        line = self._again.pop() if self._again else self._next()
        self._kept.append(line)
        self._size += len(line)
        if len(line) > MAX_RECORD:
            raise csv.Error("field larger than a record may be")
        return line

    def _next(self) -> str:
        """A line; of one that is too long as much as tells that."""
        with reading(self._where):
            line = self._stream.readline(MAX_RECORD + 1)
            if len(line) > MAX_RECORD:
                piece = line
                while piece and not piece.endswith(("\n", "\r")):
                    piece = self._stream.readline(MAX_RECORD)
        if not line:
            raise StopIteration
        return line

    def take(self) -> str:
        raw = "".join(self._kept)
        self.taken += len(self._kept)
        self._kept, self._size = [], 0
        return raw

    def take_first(self) -> str:
        """The first line; those after it come again."""
        first, *others = self._kept
        self._again += reversed(others)
        self._kept, self._size = [], 0
        self.taken += 1
        return first if len(first) <= MAX_RECORD else first[:SHOWN]


@contextmanager
def _long_cells() -> Iterator[None]:
    """Python's limit of a cell belongs to the whole process, so it is given back."""
    before = csv.field_size_limit(MAX_RECORD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _unfit(cells: tuple[str, ...], encoding: str) -> str | None:
    for number, cell in enumerate(cells, 1):
        if "\0" in cell:
            return f"cell {number} holds a NUL character, which databases do not store"
        if not cell.isascii() and any("\udc80" <= letter <= "\udcff" for letter in cell):
            return f"cell {number} holds bytes that are not {encoding} (shown as \\x..)"
        if not cell.isascii() and any("\ud800" <= letter <= "\udfff" for letter in cell):
            return f"cell {number} holds half a character (shown as \\ud...)"
    return None


def _plain(error: csv.Error) -> str:
    return next((plain for words, plain in _PLAIN.items() if words in str(error)), str(error))


def _readable(raw: str) -> str:
    try:
        return raw.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half a character of UTF-16
        return raw.encode("utf-8", "backslashreplace").decode()
