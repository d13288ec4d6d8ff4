"""What of the masked values of a row is looked for in the bytes of its texts, and where bytes do not tell enough."""

import re
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from export_pipelines.stream.letters import NOT_DIGIT, PRINTED, Flags, Letters, Rows, table, table_without
from export_pipelines.stream.repeats import SHORTEST, Repeats, may_be_json
from export_pipelines.stream.spellings import NUMBER_DIGITS, NUMBERED, folded, is_odd, number

RUN = re.compile(r"[!#-\[\]-~]+")  # printed in ASCII, and not escaped in JSON
AT = table(b"@")
OTHER = re.compile(r"[^\x00-\x7f]")
MIXED = table_without({*PRINTED} - {*b'"\\[{'})
# A phone is searched for by its last nine digits or more, without country and zeros in front (`spellings.number`). Where
# all of a value's digits are so many and such, any spelling of it has LONG digits with nothing else between them.
LONG = 9
TOLD_BY_LONG = r"^[() ./-]*(?:\+?1[() ./-]*[2-9]|[1-9])(?:[() ./-]*[0-9]){8,9}[() ./-]*$"
KEPT = 4096  # values that many rows share, as names are
Values = tuple[str, pa.LargeStringArray]  # semantic type, and what is masked in each row


class Pieces(NamedTuple):
    """The values that are masked, by row, and what bytes can tell of them. All flags but the last two are by value and row.

    pieces:    of each row's first value, then of each row's second and so on, the part that no text can spell in another
               way, unless the text has odd signs, in lower case; empty if the value has no such part.
    looked_for: the piece is, but for a value that is too short to be searched for, or is found by its digits.
    with_at:   the value has an @, which few texts have, and a text that holds it must.
    brief:     the piece is so short, or tells so little, that a text which holds it must be read.
    foreign:   the same for values with letters beside ASCII; only a text that has such letters too must be read.
    doubtful:  the text must be read, since the piece does not tell of a value: it has odd signs, or may be JSON, whose
               inner values are hidden too.
    untold:    a number that a text may hold without having LONG digits together.
    """

    values: list[Values]
    pieces: pl.Series
    looked_for: Flags
    with_at: Flags
    brief: Flags
    foreign: Flags
    doubtful: Flags
    untold: Flags

    @classmethod
    def of(cls, values: list[Values]) -> "Pieces":
        height = len(values[0][1])
        shape = len(values), height
        letters = Letters.of(pa.concat_arrays([texts for _, texts in values]))
        told, untold = np.zeros(shape, np.bool_), np.zeros(height, np.bool_)
        for n, (type, _) in enumerate(values):
            if type in NUMBERED:
                told[n], others = _by_long(type, letters[n * height : (n + 1) * height])
                untold[others] = True
        pieces, brief, foreign, doubtful = _pieces(letters, told.reshape(-1))
        with_at = np.zeros(shape, np.bool_)
        with_at.reshape(-1)[letters.rows_of(letters.places(AT))] = True
        return cls(
            values=values,
            pieces=pieces,
            looked_for=~told & (letters.lengths >= SHORTEST).reshape(shape),
            with_at=with_at,
            brief=brief.reshape(shape),
            foreign=foreign.reshape(shape),
            doubtful=np.logical_or.reduce(doubtful.reshape(shape)),
            untold=untold,
        )

    def take(self, rows: Rows) -> "Pieces":
        starts = np.arange(len(self.values)) * len(self.untold)
        return Pieces(
            values=[(type, texts.take(rows)) for type, texts in self.values],
            pieces=self.pieces[np.add.outer(starts, rows).reshape(-1)],
            looked_for=self.looked_for[:, rows],
            with_at=self.with_at[:, rows],
            brief=self.brief[:, rows],
            foreign=self.foreign[:, rows],
            doubtful=self.doubtful[rows],
            untold=self.untold[rows],
        )

    def hits(self, texts: pl.Series, have_at: Flags) -> Flags:
        """Flags by value and row: the text of the row, in lower case, holds the piece. `have_at`: the text has an @."""
        asked = self.looked_for & (have_at | ~self.with_at)
        places = np.flatnonzero(asked)
        pieces = pl.DataFrame([texts[places % len(texts)].alias("text"), self.pieces[places].alias("piece")])
        found = pieces.select(pl.col("text").str.contains(pl.col("piece"), literal=True))
        hits = np.zeros(asked.size, np.bool_)
        hits[places] = found.to_series().to_numpy()
        return hits.reshape(asked.shape)

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
    """See `Pieces`; values that are `told` by their digits stay whole, since they are not looked for."""
    lower = letters.lower()
    pieces = lower.series()
    flags = np.zeros((3, len(pieces)), np.bool_)
    rows = letters.rows_of(letters.places(MIXED))
    rows = rows[~told[rows]]
    if len(rows):
        found = lower.take(rows).texts.dictionary_encode()
        parts = [_part(text) for text in found.dictionary.to_pylist()]
        flags[:, rows] = np.array([part[1:] for part in parts]).T[:, found.indices.to_numpy()]
        runs = pa.array([part.run for part in parts], pa.large_string()).take(found.indices)
        pieces = pieces.scatter(rows, pl.Series("", runs))
    brief, foreign, doubtful = flags
    return pieces, brief, foreign, doubtful


class _Part(NamedTuple):
    """Of a value whose letters in ASCII are in lower case, the longest run that is spelled in one way alone, empty if there
    is none; and see `Pieces`."""

    run: str
    brief: bool
    foreign: bool
    doubtful: bool


@lru_cache(KEPT)
def _part(value: str) -> _Part:
    run, others = max(RUN.findall(value), key=len, default=""), OTHER.findall(value)
    odd = any(map(is_odd, others))
    short = odd or len(run) < SHORTEST
    return _Part(run, short and not others, short and bool(others), odd or may_be_json(value))


@lru_cache(KEPT)
def _number(type: str, value: str) -> bytes:
    return number(type, folded(value)).encode()


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
