"""Prefilter: which rows can hold anything that a recogniser finds. None is missed; most rows are read no further.

All texts of a row are laid side by side, and a few regular expressions go over them: a call takes as long as a look at a
hundred letters, so it is one for a row and not one for each of its texts.
"""

import re
from functools import lru_cache
from string import ascii_letters
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from export_pipelines.stream.letters import NOT_DIGIT, Flags, Letters, Rows, arrow_texts
from export_pipelines.stream.mask.own import own_of
from export_pipelines.stream.mask.reading import fold

Values = tuple[str, pl.Series]  # semantic type, and what is stored in each row

AT = "[@\uff20\ufe6b]"
# signs that `fold` reads as digits, and as nothing
FOREIGN_DIGIT = r"[[\p{N}\x{32c0}-\x{32cb}\x{3358}-\x{3370}\x{3378}\x{3379}\x{339f}-\x{33a8}\x{33af}\x{33e0}-\x{33fe}]--[0-9]]"
NOT_SHOWN = r"[\p{Cf}\p{Mn}\p{Me}\x{ff9e}\x{ff9f}\x{1171e}]"
ENCODED = r"%(?:2[356]|3[0-9]|[4-9A-Fa-f][0-9A-Fa-f])|&(?:#|[A-Za-z][0-9A-Za-z]{1,31};)|\\u"
BLANK = r"\\[nrtbf]|%(?:[01][0-9A-Fa-f]|2[0-247-9A-Fa-f]|3[A-Fa-f])"  # what is encoded and no letter
APART = rf"(?:[^A-Za-z0-9]|{BLANK})"  # what may stand between digits
APART_IN_JSON = rf'(?:[^A-Za-z0-9"\\]|\\\\[nrtbf]|\\[^u]|{BLANK})'  # within a string
SEVEN, SEVEN_IN_JSON = (rf"[0-9](?:{apart}*[0-9]){{6}}" for apart in (APART, APART_IN_JSON))
SSN = rf"(?:^|[^0-9])[0-9]{{3}}{APART}{{1,3}}[0-9]{{2}}{APART}{{1,3}}[0-9]{{4}}(?:[^0-9]|$)"
NINE_IN_ALL, PLAIN_SSN = r"(?s)^(?:[^0-9]*[0-9]){9}", r"^(?:[0-9][ -]*){8}[0-9]$"
TEXT = f"{AT}|{ENCODED}|{FOREIGN_DIGIT}|{SEVEN}"
# keys that `never_exported_type` may know: by their letters, or spelled in another way
APART_LETTERS = r"(?:^|[^a-z])(?:[a-z](?:\\.|[^a-z\x22\\])+){2,}[a-z0-9]"  # s.s.n
NEVER_LETTERS = (
    rf"(?i:ss[^a-z]?n|ss[^a-z]?[4lfd]|ss(?:[^a-z\x22\\]|\\.)|soc|pass|pwd|secret|credential|seguro|{APART_LETTERS}"
    r"|(?:api|private|access|encryption|signing|ssh|auth|refresh|bearer|session)(?:[^a-z\\\x22]|\\.)*(?:key|token))"
)
# other signs that stand for a letter of ASCII (full width, mathematical, circled, raised, long s, ligatures) or for nothing
LIKE_ASCII = (
    r"[\p{Cf}\x{aa}\x{b2}\x{b3}\x{b9}\x{ba}\x{17f}\x{df}\x{1e9e}\x{1d9b}-\x{1dbf}\x{3371}-\x{33df}\x{a7f2}-\x{a7f4}\x{2b0}-\x{2ff}\x{1d2c}-\x{1d6a}\x{2070}-\x{24ff}\x{2c7c}\x{fb00}-\x{fb06}"
    r"\x{ff01}-\x{ff5e}\x{1d400}-\x{1d7ff}\x{1f100}-\x{1f1ff}]"
)
NEVER_KEY = rf'(?:{NEVER_LETTERS}|\\u|{LIKE_ASCII})(?:[^"\\]|\\.)*"\s*:'
STRING = r'"(?:[^"\\]|\\.)*'
# a whole number of nine digits, a string that can hold something, or a key of a never-exported type
JSON = (
    rf'(?s)^(?:[^"]|{STRING}")*?(?:(?:^|[^0-9.])[0-9]{{9,}}\s*(?:[,}}\]]|$)|{STRING}?{SEVEN_IN_JSON})'
    rf"|{AT}|{ENCODED}|{FOREIGN_DIGIT}|{NEVER_KEY}"
)
WORD_BESIDE_ASCII = r"[A-Za-z0-9]*[^\x00-\x7f](?:[A-Za-z0-9]|[^\x00-\x7f])*"
FIRST_WORD = r"^ *(?:[0-9][0-9A-Za-z]* +)*(?:[A-Za-z]\.? +)?([A-Za-z]{2,99})(?:[ ,]|$)"
SIGN = r"[%&\\]"  # of an encoding
BLANK_AT_WORD = rf"(?:{BLANK})[\p{{L}}0-9]"
BESIDE_ASCII = pl.col("text").str.len_bytes() != pl.col("text").str.len_chars()

WORDS = bytes(code | 0x20 if chr(code) in ascii_letters else 0x20 for code in range(256))
BREAK = pa.scalar(" a ", pa.large_string())


class SideBySide:
    """The texts of each row as one: as `stored`; as `read`, with blanks that are encoded beside a letter or a digit as
    blanks; and as `words`: letters in lower case, blanks in the place of all else."""

    def __init__(self, columns: list[pl.Series]) -> None:
        texts = [arrow_texts(one).fill_null("") if one.null_count() else arrow_texts(one) for one in columns]
        joined = pc.binary_join_element_wise(BREAK, *texts, BREAK, BREAK)
        self.stored, self.words = pl.Series(joined), _words_in(joined)
        signs, self.beside_ascii = _flags(self.stored, _matches(SIGN), BESIDE_ASCII)
        self.encoded = _narrow(signs.copy(), self.stored, ENCODED)
        self.read, self.changed = self.stored, np.flatnonzero(_narrow(signs, self.stored, BLANK_AT_WORD))
        if len(self.changed):
            plain = self.stored[self.changed].str.replace_all(BLANK, " ")
            self.read = self.stored.clone().scatter(self.changed, plain)
            self.words = self.words.scatter(self.changed, _words_in(arrow_texts(plain)))

    def hold_never_exported(self, values: list[Values]) -> tuple[Flags, Flags]:
        """Flags of the rows that may hold a value of a never-exported type, the row's own or another; and of those that
        may have a key in JSON which is named like one."""
        found = _flags(self.stored, _matches(f"{SSN}|{ENCODED}|{FOREIGN_DIGIT}|{NOT_SHOWN}|{NEVER_KEY}"))[0]
        keys, rows = np.zeros_like(found), np.flatnonzero(found)
        if len(rows):
            shown = self.read[rows].str.replace_all(NOT_SHOWN, "")
            keys[rows], nine = _flags(self.stored[rows], _matches(NEVER_KEY), _matches(NINE_IN_ALL))
            found[rows] = _flags(shown, _matches(f"{SSN}|{FOREIGN_DIGIT}"))[0] | nine & self.encoded[rows]
        if len(self.changed):
            found[self.changed] |= _flags(self.read[self.changed], _matches(SSN))[0]
        found |= have_odd_value(values)
        for _, stored in values:
            rows = np.flatnonzero(stored.is_not_null().to_numpy() & ~found)
            own = _digits_of(stored[rows]).str.strip_chars_start("0").str.head(50)
            found[rows] = _contain(_digits_of(self.read[rows]), own)
        return found, keys

    def hold_own(self, values: list[Values]) -> Flags:
        """Flags of the rows that may hold one of the row's own `values`."""
        found = self.encoded.copy()
        for stored in (stored for type, stored in values if type == "dob"):
            found |= _contain(self.read, stored.dt.year().cast(pl.String))
        names, streets = ([one for type, one in values if type == kind] for kind in ("name", "street"))
        read = [
            words_of(_stacked(one)) for words_of, one in ((_own_names, names), (_own_streets, streets)) if one
        ]
        for own in read:
            at = own.at % len(found)
            found[at[_contain(self.words[at], own.words)]] = True
            for place, word in own.others:
                row = place % len(found)
                if not found[row] and (self.beside_ascii[row] or word.isascii()):
                    found[row] = word in fold(self.read[row])
        rest = np.flatnonzero(self.beside_ascii & ~found)
        if read and len(rest):
            found[rest] = _fold_to(self.read[rest], pl.concat([own.words for own in read]))
        return found


def can_hold(columns: list[pl.Series], pattern: str) -> list[Flags]:
    """Flags of the texts of each column that match."""
    flags = _flags(_stacked(columns), _matches(pattern))[0]
    return np.split(flags, np.cumsum([len(one) for one in columns])[:-1])


def have_odd_value(values: list[Values]) -> Flags | bool:
    """Flags of the rows whose value of a never-exported type is not nine digits, so that no pattern finds it."""
    odd = [_flags(stored, ~pl.col("text").str.contains(PLAIN_SSN))[0] for _, stored in values]
    return np.logical_or.reduce(odd) if odd else False


class _Own(NamedTuple):
    """Of each own value a word that stands in each text that holds it, between blanks, and of which row it is; and
    `others`, which are not plain letters and are looked for one by one."""

    at: Rows
    words: pl.Series
    others: list[tuple[int, str]]


def _own_names(names: pl.Series, type: str = "name") -> _Own:
    """All words of names; each distinct name is read once."""
    encoded = arrow_texts(names).dictionary_encode()
    needles = [_needles(type, name) for name in encoded.dictionary.to_pylist()]
    rows = np.flatnonzero(encoded.indices.is_valid().to_numpy(zero_copy_only=False))
    codes = encoded.indices.drop_null().to_numpy()
    first = pl.Series([words[0] if words else None for words, _ in needles], dtype=pl.String)[codes]
    more = np.flatnonzero(np.array([len(words) > 1 or bool(odd) for words, odd in needles], np.bool_)[codes])
    read = [(row, *needles[code]) for row, code in zip(rows[more].tolist(), codes[more], strict=True)]
    pairs = [(row, word) for row, words, _ in read for word in words[1:]]
    at = np.concatenate([rows, np.array([row for row, _ in pairs], np.int64)])
    words = pl.concat([first, pl.Series([word for _, word in pairs], dtype=pl.String)])
    known = np.flatnonzero(words.is_not_null().to_numpy())
    return _Own(at[known], words[known], [(row, word) for row, _, odd in read for word in odd])


def _own_streets(streets: pl.Series) -> _Own:
    """The first word of each street, which stands in each way to write it; most streets are distinct."""
    rows = np.flatnonzero(streets.is_not_null().to_numpy())
    word = " " + pl.col("text").str.extract(FIRST_WORD).str.to_lowercase() + " "
    words = streets[rows].to_frame("text").select(word).to_series()
    known = words.is_not_null().to_numpy()
    left = rows[~known]
    read = _own_names(streets[left], "street")
    others = [(int(left[place]), needle) for place, needle in read.others]
    return _Own(
        np.concatenate([rows[known], left[read.at]]), pl.concat([words.drop_nulls(), read.words]), others
    )


@lru_cache(8192)
def _needles(type: str, value: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Plain words, between blanks, and others."""
    needles = sorted(own_of([(type, value)]).needles)
    plain = [one for one in needles if re.fullmatch("[a-z]{2,99}", one)]
    return tuple(f" {one} " for one in plain), tuple(one for one in needles if one not in plain)


def _fold_to(texts: pl.Series, known: pl.Series) -> Flags:
    """Flags of the texts with a word that is `known` but for its accents, or with a digit of another script."""
    words = texts.str.extract_all(WORD_BESIDE_ASCII)
    folded = [(word, fold(word)) for word in words.explode().unique().drop_nulls()]
    parts = [(word, f" {part} ") for word, plain in folded for part in re.findall("[a-z]+", plain)]
    hits = pl.Series([part for _, part in parts], dtype=pl.String).is_in(known.implode())
    odd = {word for (word, _), hit in zip(parts, hits, strict=True) if hit}
    odd |= {word for word, plain in folded if any(map(str.isdigit, plain))}
    if not odd:
        return np.zeros(len(texts), np.bool_)
    return words.list.eval(pl.element().is_in(list(odd))).list.any().fill_null(False).to_numpy()


def _matches(pattern: str) -> pl.Expr:
    return pl.col("text").str.contains(pattern)


def _flags(texts: pl.Series, *tests: pl.Expr) -> list[Flags]:
    frame = texts.to_frame("text").select(test.fill_null(False).alias(str(n)) for n, test in enumerate(tests))
    return [one.to_numpy(writable=True) for one in frame]


def _narrow(flags: Flags, texts: pl.Series, pattern: str) -> Flags:
    """Takes the flags from those texts that do not match."""
    rows = np.flatnonzero(flags)
    if len(rows):
        flags[rows] = _flags(texts[rows], _matches(pattern))[0]
    return flags


def _stacked(columns: list[pl.Series]) -> pl.Series:
    return pl.concat([one.alias("") for one in columns]) if len(columns) > 1 else columns[0]


def _contain(texts: pl.Series, pieces: pl.Series) -> Flags:
    pairs = pl.DataFrame([texts.alias("text"), pieces.alias("piece")])
    found = pairs.select(pl.col("text").str.contains(pl.col("piece"), literal=True).fill_null(False))
    return found.to_series().to_numpy()


def _digits_of(texts: pl.Series) -> pl.Series:
    return Letters(arrow_texts(texts)).without(NOT_DIGIT).series()


def _words_in(texts: pa.LargeStringArray) -> pl.Series:
    letters = Letters(texts)
    return Letters.from_bytes(letters.starts, letters.translated(WORDS)).series()
