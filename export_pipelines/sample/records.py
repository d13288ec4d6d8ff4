"""Reads a CSV file record by record, exactly: a text stream comes in, cells with line number and raw text go out.
A record that is not CSV comes out too, with its fault, so that nothing is lost."""

import csv
import gzip
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from export_pipelines.errors import ImportFileError

MAX_CELL = 10 * 1024 * 1024  # characters
GZIP, UTF_16 = b"\x1f\x8b", (b"\xff\xfe", b"\xfe\xff")
DELIMITERS = ",;\t|"
SEPARATOR = re.compile(r'"?sep=(.)"?\r?\n?')  # which Excel writes and heeds
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
    """The file, gzip or not, as text with every line's end and every bad byte kept: UTF-16 if it begins so, else UTF-8.
    Raises ImportFileError."""
    with _reading(file):
        with file.open("rb") as start:
            opened = gzip.open if start.read(2) == GZIP else open
        with opened(file, "rb") as start:
            is_utf_16 = start.read(2) in UTF_16
        data = opened(file, "rb")
    encoding, errors = ("utf-16", "surrogatepass") if is_utf_16 else ("utf-8-sig", "surrogateescape")
    with io.TextIOWrapper(data, encoding=encoding, errors=errors, newline="") as stream:
        yield stream


def delimiter_of(file: Path) -> str:
    """What parts the cells of the header: as a first line `sep=;` says, else the one of `DELIMITERS` that makes most cells."""
    with open_csv(file) as stream, _reading(file):
        first = stream.readline(MAX_CELL)
    told = SEPARATOR.fullmatch(first)
    if told:
        return told[1]
    cells = {one: len(next(csv.reader([first], delimiter=one), [])) for one in DELIMITERS}
    return max(DELIMITERS, key=lambda one: cells[one])


@contextmanager
def _reading(file: Path | str) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, UnicodeError) as error:
        what = getattr(error, "strerror", None) or str(error)
        raise ImportFileError(f"cannot read the file: {what}", where=str(file)) from error


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
        if line == 1 and SEPARATOR.fullmatch(raw):
            continue
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
