"""Reads a CSV file record by record, exactly: a text stream comes in, cells with line number and raw text go out.
A record that is not CSV comes out too, with its fault, so that nothing is lost."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from export_pipelines.errors import ImportFileError

MAX_CELL = 10 * 1024 * 1024  # characters
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_PLAIN = {
    "unexpected end of data": "a quoted cell is still open at the end of the file",
    "expected after": "text follows the closing quote of a cell; a quote inside a quoted cell is written twice",
    "field larger than": f"a cell is longer than {MAX_CELL:,} characters",
}


@dataclass(frozen=True)
class Record:
    """`line` is the physical line the record starts on, counted from 1; `raw` its text without the line's end.
    With a `fault`, `cells` are not to be used."""

    line: int
    cells: tuple[str, ...]
    raw: str
    fault: str | None = None


@contextmanager
def open_csv(file: Path) -> Iterator[TextIO]:
    """The file as text with every line's end and every bad byte kept. Raises ImportFileError."""
    with _reading(file):
        with file.open("rb") as start:
            utf_16 = start.read(2) in UTF_16
        stream = file.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
    with stream:
        if utf_16:
            raise ImportFileError(
                "the file is UTF-16", where=str(file), remedy="save it as CSV in UTF-8 and import that"
            )
        yield stream


@contextmanager
def _reading(file: Path | str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ImportFileError(f"cannot read the file: {error.strerror}", where=str(file)) from error


def read_records(stream: TextIO, delimiter: str, where: str = "") -> Iterator[Record]:
    """Every record, the header first; blank lines between records are none. Raises ImportFileError when `where`,
    the file, stops being readable."""
    lines = _Lines(stream, where)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = lines.count + 1
        try:
            with _long_cells():
                cells = tuple(next(reader))
            fault = _unfit(cells)
        except StopIteration:
            return
        except csv.Error as error:
            cells, fault = (), _plain(error)
        raw = lines.take()
        if cells or fault:
            yield Record(line, cells, _readable(raw.rstrip("\r\n")), fault)


class _Lines:
    """The stream's lines, counted, and kept until the record they belong to takes them."""

    def __init__(self, stream: TextIO, where: str) -> None:
        self._stream, self._where = stream, where
        self._kept: list[str] = []
        self.count = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        with _reading(self._where):
            line = next(self._stream)
        self.count += 1
        self._kept.append(line)
        return line

    def take(self) -> str:
        raw = "".join(self._kept)
        self._kept.clear()
        return raw


@contextmanager
def _long_cells() -> Iterator[None]:
    """Python's limit of a cell belongs to the whole process, so it is given back."""
    before = csv.field_size_limit(MAX_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _unfit(cells: tuple[str, ...]) -> str | None:
    for number, cell in enumerate(cells, 1):
        if "\0" in cell:
            return f"cell {number} holds a NUL character, which databases do not store"
        if not cell.isascii() and any("\udc80" <= letter <= "\udcff" for letter in cell):
            return f"cell {number} holds bytes that are not UTF-8 (shown as \\x..)"
    return None


def _plain(error: csv.Error) -> str:
    return next((plain for words, plain in _PLAIN.items() if words in str(error)), str(error))


def _readable(raw: str) -> str:
    return raw.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
