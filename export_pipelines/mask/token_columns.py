"""Columns of tokens in a CSV file: each token becomes its value, all else stays as it is, byte for byte."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from export_pipelines.errors import RequestError, unknown

MAX_CELL = 64 * 1024 * 1024  # letters; Python's own limit, 128 KiB, is less than some JSON objects have
MARK = "\ufeff"  # with which some programs begin a file
QUOTED_FOR = re.compile(r'["\r\n]')


class Record(NamedTuple):
    """`line` is that of its beginning, from 1; `text` holds the end of the line."""

    line: int
    text: str
    cells: list[str]


@dataclass(frozen=True)
class TokenColumns:
    """`names` are headers; a cell that equals `null_marker` stays, as an empty one does. `where` names the file."""

    names: Sequence[str]
    where: str
    separator: str = ","
    null_marker: str = ""

    def open(self, lines: Iterable[str], open_token: Callable[[str], str]) -> Iterator[tuple[str, int]]:
        """The text of each record with the values in the place of tokens, and how many there were.

        Raises RequestError, with the line, for what is no CSV, a column that is not there, and a cell that is no token
        or does not open.
        """
        records = self._records(lines)
        header = next(records, None)
        if header is None:
            raise RequestError("the file is empty", where=self.where)
        places = self._places([cell.removeprefix(MARK) for cell in header.cells])
        yield header.text, 0
        for record in records:
            if record.cells and len(record.cells) != len(header.cells):
                raise self._fault(
                    record.line, f"the row has {len(record.cells)} cells, the header {len(header.cells)}"
                )
            yield self._opened(record, places, open_token) if record.cells else (record.text, 0)

    def _records(self, lines: Iterable[str]) -> Iterator[Record]:
        taken: list[str] = []

        def taking() -> Iterator[str]:
            for line in lines:
                taken.append(line)
                yield line

        reader = csv.reader(taking(), delimiter=self.separator, strict=True)
        while True:
            line = reader.line_num + 1
            limit = csv.field_size_limit(MAX_CELL)  # of the whole process: given back at once
            try:
                cells = next(reader, None)
            except csv.Error as error:
                raise self._fault(line, f"the row is no CSV: {error}") from error
            finally:
                csv.field_size_limit(limit)
            if cells is None:
                return
            yield Record(line, "".join(taken), cells)
            taken.clear()

    def _places(self, header: Sequence[str]) -> dict[str, int]:
        """Of each column, its number, in the order of the file."""
        for name in self.names:
            if header.count(name) > 1:
                raise self._fault(1, f'{header.count(name)} columns are named "{name}"')
            if name not in header:
                raise self._fault(1, unknown("column", name, header))
        return dict(sorted(((name, header.index(name)) for name in self.names), key=lambda item: item[1]))

    def _opened(
        self, record: Record, places: dict[str, int], open_token: Callable[[str], str]
    ) -> tuple[str, int]:
        spans, pieces, end = self._spans(record), [], 0
        for name, place in places.items():
            token = record.cells[place]
            if not token or token == self.null_marker:
                continue
            try:
                value = open_token(token)
            except RequestError as error:
                raise RequestError(
                    f"column {name}: {error.what}", where=f"{self.where}:{record.line}", remedy=error.remedy
                ) from error
            start, after = spans[place]
            pieces += [record.text[end:start], self._cell(value)]
            end = after
        return "".join([*pieces, record.text[end:]]), len(pieces) // 2

    def _spans(self, record: Record) -> list[tuple[int, int]]:
        """Where each cell stands in the text of the record."""
        cell = re.compile(rf'"[^"]*(?:""[^"]*)*"|[^{re.escape(self.separator)}\r\n]*')
        spans, end = [], -1
        while end < 0 or record.text[end : end + 1] == self.separator:
            match = cell.match(record.text, end + 1)
            assert match  # the second choice matches nothing, too
            spans.append(match.span())
            end = match.end()
        if len(spans) != len(record.cells) or record.text[end:].strip("\r\n"):
            raise self._fault(record.line, "the row is no CSV: a quoted cell goes on after its quote")
        return spans

    def _cell(self, value: str) -> str:
        if self.separator in value or QUOTED_FOR.search(value):
            return '"' + value.replace('"', '""') + '"'
        return value

    def _fault(self, line: int, what: str) -> RequestError:
        return RequestError(what, where=f"{self.where}:{line}")
