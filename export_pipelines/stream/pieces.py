"""What of the masked values of a row is looked for in the bytes of its texts, and where bytes do not tell enough."""

import re
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow.compute as pc

from export_pipelines.stream.letters import NOT_DIGIT, PRINTED, Flags, Letters, Rows, table_without
from export_pipelines.stream.repeats import SHORTEST, Repeats, may_be_json
from export_pipelines.stream.spellings import NUMBER_DIGITS, NUMBERED, folded, is_odd, number

RUN = re.compile(r"[!#-\[\]-~]+")  # printed in ASCII, and not escaped in JSON
MIXED = table_without({*PRINTED} - {*b'"\\[{'})
# A phone is searched for by its last nine digits or more, without country and zeros in front (`spellings.number`). Where
# all of a value's digits are so many and such, any spelling of it has LONG digits with nothing else between them.
LONG = 9
TOLD_BY_LONG = r"^[() ./-]*(?:\+?1[() ./-]*[2-9]|[1-9])(?:[() ./-]*[0-9]){8,9}[() ./-]*$"
KEPT = 4096  # values that many rows share, as names are
Values = tuple[str, pl.Series]  # semantic type, and what is masked in each row


class Pieces(NamedTuple):
    """The values that are masked, by row, and what bytes can tell of them.

    pieces:    for each of `values` the part that no text can spell in another way, unless the text has odd signs, in
               lower case. Empty if the value has no such part, null if the value is too short to be searched for.
    brief:     flags by value and row: the piece is so short that a text which holds it must be read.
    foreign:   the same for values with letters beside ASCII; only a text that has such letters too must be read.
    doubtful:  flags by row: the text must be read, since the piece does not tell of a value: it has odd signs, or may be
               JSON, whose inner values are hidden too.
    untold:    flags by row: a number that a text may hold without having LONG digits together.
    """

    values: list[Values]
    pieces: list[pl.Series]
    brief: Flags
    foreign: Flags
    doubtful: Flags
    untold: Flags

    @classmethod
    def of(cls, values: list[Values]) -> "Pieces":
        height = len(values[0][1])
        shape = len(values), height
        # one value after the other, with all its rows
        letters = Letters.of(pl.concat([texts for _, texts in values]))
        pieces, brief, foreign, doubtful = _pieces(letters)
        untold = np.zeros(height, np.bool_)
        for n, (type, _) in enumerate(values):
            if type in NUMBERED:
                untold[_untold(type, letters[n * height : (n + 1) * height])] = True
        return cls(
            values=values,
            pieces=[pieces[n * height : (n + 1) * height] for n in range(len(values))],
            brief=brief.reshape(shape),
            foreign=foreign.reshape(shape),
            doubtful=np.logical_or.reduce(doubtful.reshape(shape)),
            untold=untold,
        )

    def take(self, rows: Rows) -> "Pieces":
        return Pieces(
            values=[(type, texts[rows]) for type, texts in self.values],
            pieces=[one[rows] for one in self.pieces],
            brief=self.brief[:, rows],
            foreign=self.foreign[:, rows],
            doubtful=self.doubtful[rows],
            untold=self.untold[rows],
        )

    def numbers(self, rows: Rows) -> list[list[bytes]]:
        """The digits by which the numbers of each of these rows are found."""
        numbered = by_row([one for one in self.values if one[0] in NUMBERED], rows)
        return [[digits for one in row if (digits := _number(*one))] for row in numbered]


def by_row(values: list[Values], rows: Rows) -> list[Repeats]:
    """The values of each of these rows."""
    found: list[Repeats] = [[] for _ in rows]
    for type, texts in values:
        for row, value in zip(found, texts[rows].to_list(), strict=True):
            if value:
                row.append((type, value))
    return found


def _pieces(letters: Letters) -> tuple[pl.Series, Flags, Flags, Flags]:
    pieces, lengths = letters.lower().series(), letters.lengths
    brief, foreign, doubtful = np.zeros((3, len(pieces)), np.bool_)
    rows = letters.rows_of(letters.places(MIXED))
    if len(rows):
        parts = [_part(text) for text in letters.take(rows).texts.to_pylist()]
        brief[rows], foreign[rows], doubtful[rows] = zip(*(part[1:] for part in parts), strict=True)
        pieces = pieces.scatter(rows, [part.run for part in parts])
    short = np.flatnonzero(lengths < SHORTEST)
    return pieces.scatter(short, None) if len(short) else pieces, brief, foreign, doubtful


class _Part(NamedTuple):
    """The longest run of a value that is spelled in one way alone, empty if there is none; and see `Pieces`."""

    run: str
    brief: bool
    foreign: bool
    doubtful: bool


@lru_cache(KEPT)
def _part(value: str) -> _Part:
    run = max(RUN.findall(folded(value)), key=len, default="")
    short, ascii = len(run) < SHORTEST, value.isascii()
    odd = not ascii and any(is_odd(sign) for sign in value)
    return _Part(run, short and ascii, short and not ascii, may_be_json(value) or odd)


@lru_cache(KEPT)
def _number(type: str, value: str) -> bytes:
    return number(type, value).encode()


def _untold(type: str, numbers: Letters) -> list[int]:
    """The rows with a number that is not told by its last nine digits."""
    lengths = numbers.lengths
    told = (lengths == LONG) | (lengths == LONG + 1)
    told &= numbers.behind(numbers.starts[:-1], 0) != ord("0")
    told[numbers.rows_of(numbers.places(NOT_DIGIT))] = False
    rows = np.flatnonzero(~told & (lengths >= NUMBER_DIGITS))
    by_letters = pc.match_substring_regex(numbers.take(rows).texts, TOLD_BY_LONG)
    rows = rows[~by_letters.to_numpy(zero_copy_only=False)]
    values = zip(rows.tolist(), numbers.take(rows).texts.to_pylist(), strict=True)
    return [row for row, value in values if _number(type, value)]
