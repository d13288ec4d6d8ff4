"""What of the masked values of a row is looked for in the bytes of its texts, and where bytes do not tell enough."""

import re
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
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
Values = tuple[str, pa.LargeStringArray]  # semantic type, and what is masked in each row


class Pieces(NamedTuple):
    """The values that are masked, by row, and what bytes can tell of them.

    pieces:    for each of `values` the part that no text can spell in another way, unless the text has odd signs, in
               lower case. Empty if the value has no such part, null if the value is too short to be searched for, or if
               it is found by its digits.
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
        letters = Letters.of(pa.concat_arrays([texts for _, texts in values]))
        told, untold = np.zeros(shape, np.bool_), np.zeros(height, np.bool_)
        for n, (type, _) in enumerate(values):
            if type in NUMBERED:
                told[n], others = _by_long(type, letters[n * height : (n + 1) * height])
                untold[others] = True
        pieces, brief, foreign, doubtful = _pieces(letters, told.reshape(-1))
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
            values=[(type, texts.take(rows)) for type, texts in self.values],
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
        for row, value in zip(found, texts.take(rows).to_pylist(), strict=True):
            if value:
                row.append((type, value))
    return found


def _pieces(letters: Letters, told: Flags) -> tuple[pl.Series, Flags, Flags, Flags]:
    """See `Pieces`; no piece is looked for of a value that is `told` by its digits."""
    pieces = letters.lower().series()
    flags = np.zeros((3, len(pieces)), np.bool_)
    rows = letters.rows_of(letters.places(MIXED))
    rows = rows[~told[rows]]
    if len(rows):
        found = letters.take(rows).texts.dictionary_encode()
        parts = [_part(text) for text in found.dictionary.to_pylist()]
        flags[:, rows] = np.array([part[1:] for part in parts]).T[:, found.indices.to_numpy()]
        runs = pa.array([part.run for part in parts], pa.large_string()).take(found.indices)
        pieces = pieces.scatter(rows, pl.Series("", runs))
    none = np.flatnonzero(told | (letters.lengths < SHORTEST))
    brief, foreign, doubtful = flags
    return pieces.scatter(none, None) if len(none) else pieces, brief, foreign, doubtful


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


def _by_long(type: str, numbers: Letters) -> tuple[Flags, list[int]]:
    """Flags by row for numbers that are told by LONG digits; and the rows of others that have enough digits."""
    lengths = numbers.lengths
    told = (lengths == LONG) | (lengths == LONG + 1)
    told &= numbers.behind(numbers.starts[:-1], 0) != ord("0")
    told[numbers.rows_of(numbers.places(NOT_DIGIT))] = False
    rows = np.flatnonzero(~told & (lengths >= NUMBER_DIGITS))
    left = numbers.take(rows).texts
    by_letters = pc.match_substring_regex(left, TOLD_BY_LONG).to_numpy(zero_copy_only=False)
    told[rows[by_letters]] = True
    values = zip(rows.tolist(), left.to_pylist(), strict=True)
    return told, [row for row, value in values if not told[row] and _number(type, value)]
