"""Prefilter: which texts can hold anything that a recogniser finds. None is missed; most texts are read no further.

One regular expression goes over a column, which takes 0.1 us for a text; a row's own names are looked for in all texts
of the row, laid side by side as words in lower case.
"""

from functools import lru_cache
from string import ascii_letters, ascii_uppercase

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from export_pipelines.stream.letters import Letters, arrow_texts
from export_pipelines.stream.mask.recognise import (
    LETTERS,
    SHORTEST,
    fold,
)

Flags = npt.NDArray[np.bool_]
Values = tuple[str, pl.Series]  # semantic type, and what is stored in each row

AT = "[@\uff20\ufe6b]"
FOREIGN_DIGIT = r"[\p{N}--[0-9]]"
ENCODED = r"%(?:25|3[0-9]|[4-9A-Fa-f][0-9A-Fa-f])|&(?:#|[A-Za-z][0-9A-Za-z]{1,31};)|\\u"
APART = r"(?:[^A-Za-z0-9]|%[0-3][0-9A-Fa-f]|\\[nrtbf])"  # what may stand between digits
APART_IN_JSON = r'(?:[^A-Za-z0-9"\\]|%[0-3][0-9A-Fa-f]|\\[^u])'  # within a string
SEVEN, SEVEN_IN_JSON = (rf"[0-9](?:{apart}*[0-9]){{6}}" for apart in (APART, APART_IN_JSON))
NINE = rf"[0-9](?:{APART}*[0-9]){{8}}"
SSN = rf"(?:^|[^0-9])[0-9]{{3}}{APART}{{1,3}}[0-9]{{2}}{APART}{{1,3}}[0-9]{{4}}(?:[^0-9]|$)"
NINE_IN_ALL, PLAIN_SSN = r"(?s)^(?:[^0-9]*[0-9]){9}", r"^(?:[0-9][ -]*){8}[0-9]$"
TEXT = f"{AT}|{ENCODED}|{FOREIGN_DIGIT}|{SEVEN}"
STRING = r'"(?:[^"\\]|\\.)*'
# a whole number of nine digits, or a string that can hold something
JSON = (
    rf'(?s)^(?:[^"]|{STRING}")*?(?:[^0-9.][0-9]{{9,}}\s*[,}}\]]|{STRING}?{SEVEN_IN_JSON})'
    rf"|{AT}|{ENCODED}|{FOREIGN_DIGIT}"
)
# of keys that `never_exported_type` knows, in lower case; the first finds their letters anywhere, in a tenth of the time
NEVER_LETTERS = (
    r"ssn|ss[ _.#4lfd-]|s[ _.-]s|soc|pass|pwd|secret|credential|seguro"
    r"|(?:api|private|access|encryption|signing|ssh|auth|refresh|bearer|session)[ _.-]?(?:key|token)"
)
NEVER_KEYS = rf'(?:{NEVER_LETTERS})[^"]*"\s*:'
WORD_BESIDE_ASCII = r"[A-Za-z]*[^\x00-\x7f](?:[A-Za-z]|[^\x00-\x7f])*"

SIGN = r"[%&\\]"  # of an encoding
ENCODED_WORD = rf"{ENCODED}|\\[nrtbf]\p{{L}}"

ESCAPED_WORD = r"\\[nrtbf]\p{L}"
BESIDE_ASCII = pl.col("text").str.len_bytes() != pl.col("text").str.len_chars()

LOWER = bytes(code | 0x20 if chr(code) in ascii_uppercase else code for code in range(256))
WORDS = bytes(code | 0x20 if chr(code) in ascii_letters else 0x20 for code in range(256))
BREAK = pa.scalar(" | ", pa.large_string())


def can_hold(columns: list[pl.Series], pattern: str) -> list[Flags]:
    """Flags of the texts of each column that match; one call for all, since a call takes as long as a thousand texts."""
    return _split(_flags(_stacked(columns), _matches(pattern))[0], columns)


def can_hold_never_exported(columns: list[pl.Series], values: list[Values]) -> list[Flags]:
    """Flags of the texts that may hold a value of a never-exported type, the row's own or another."""
    if not columns:
        return []
    texts = _stacked(columns)
    found, encoded, odd = _flags(texts, _matches(SSN), _matches(SIGN), BESIDE_ASCII)
    _narrow(encoded, texts, ENCODED)
    found |= _narrow(encoded, texts, NINE_IN_ALL) | _narrow(odd, texts, FOREIGN_DIGIT)
    found = found.reshape(len(columns), -1)
    found |= have_odd_value(values, found.shape[1])
    for _, stored in values:
        rows = np.flatnonzero(stored.is_not_null().to_numpy())
        if len(rows):
            numbered = _stacked([one[rows] for one in columns])
            at = np.flatnonzero(_flags(numbered, _matches(NINE))[0])
            own = _digits_of(stored[rows])[at % len(rows)]
            hits = at[_contain(_digits_of(numbered[at]), own)]
            found[hits // len(rows), rows[hits % len(rows)]] = True
    return list(found)


def have_odd_value(values: list[Values], height: int) -> Flags:
    """Flags of the rows whose value of a never-exported type is not nine digits, so that no pattern finds it."""
    found = np.zeros(height, np.bool_)
    for _, stored in values:
        found |= _flags(stored, ~pl.col("text").str.contains(PLAIN_SSN))[0]
    return found


def can_have_never_exported_key(objects: list[pl.Series]) -> list[Flags]:
    """Flags of the JSON objects that may have a key named like a never-exported type."""
    lower = _translated(arrow_texts(_stacked(objects).fill_null("")), LOWER)
    found = _flags(lower, _matches(NEVER_LETTERS))[0]
    return _split(_narrow(found, lower, NEVER_KEYS), objects)


def can_hold_own(texts: list[pl.Series], values: list[Values]) -> Flags:
    """Flags of the rows of which one of the texts may hold one of the row's own `values`."""
    joined = pc.binary_join_element_wise(*(arrow_texts(one).fill_null("") for one in texts), BREAK, BREAK)
    raw = pl.Series(joined)
    found, beside_ascii = _flags(raw, _matches(SIGN), BESIDE_ASCII)
    words = _translated(joined, WORDS)
    escaped = np.flatnonzero(_narrow(found.copy(), raw, ESCAPED_WORD))
    if len(escaped):
        plain = raw[escaped].str.replace_all(r"\\[nrtbf]", "  ")
        words = words.scatter(escaped, _translated(arrow_texts(plain), WORDS))
    _narrow(found, raw, ENCODED)
    for year in (stored.dt.year().cast(pl.String) for type, stored in values if type == "dob"):
        found |= _contain(raw, year)
    names = [stored for type, stored in values if type == "name"]
    streets = [stored for type, stored in values if type == "street"]
    known: set[str] = set()
    asked = [_words_of(_stacked(names))] if names else []
    for at, own in [*asked, *map(_a_word_of, streets)]:
        rows = at % len(raw)
        hits = _contain(words[rows], " " + own + " ")
        for place in np.flatnonzero(_flags(own, BESIDE_ASCII)[0] & beside_ascii[rows]).tolist():
            hits[place] = own[place] in fold(raw[int(rows[place])])
        found[rows[hits]] = True
        known.update(own.unique())
    rest = np.flatnonzero(beside_ascii & ~found)
    found[rest] = _folds_to(raw[rest], known)
    return found


def _words_of(names: pl.Series) -> tuple[npt.NDArray[np.int64], pl.Series]:
    """All words of the names, folded, and of which name each is; each distinct name is read once."""
    encoded = arrow_texts(names).dictionary_encode()
    words = [_words(name) for name in encoded.dictionary.to_pylist()]
    counts = np.array([len(one) for one in words], np.int64)
    starts = np.cumsum(counts) - counts
    places = np.flatnonzero(encoded.indices.is_valid().to_numpy(zero_copy_only=False))
    codes = encoded.indices.drop_null().to_numpy()
    counted = counts[codes]
    within = np.arange(counted.sum()) - np.repeat(np.cumsum(counted) - counted, counted)
    flat = pl.Series([word for one in words for word in one], dtype=pl.String)
    return np.repeat(places, counted), flat[np.repeat(starts[codes], counted) + within]


def _a_word_of(streets: pl.Series) -> tuple[npt.NDArray[np.int64], pl.Series]:
    """A word of each street, folded, which stands wherever the street does; most streets are distinct."""
    lower, text = pl.col("text").str.to_lowercase().alias("lower"), pl.col("lower")
    frame = (
        streets.to_frame("text")
        .with_row_index("at")
        .drop_nulls()
        .with_columns(lower, BESIDE_ASCII.alias("odd"))
    )
    odd = np.flatnonzero(frame["odd"].to_numpy())
    folded = pl.Series(
        [max(_words(one), key=len, default=None) for one in frame["text"][odd]], dtype=pl.String
    )
    word = pl.coalesce(text.str.extract("([a-z]{4,})"), text.str.extract("([a-z]{2,})"))
    frame = frame.select("at", word.alias("word"))
    frame = frame.with_columns(frame["word"].scatter(odd, folded)).drop_nulls()
    return frame["at"].to_numpy().astype(np.int64), frame["word"]


@lru_cache(65_536)
def _words(name: str) -> tuple[str, ...]:
    """Words of two and more letters; O'Neil is also written Oneil."""
    found = LETTERS.findall(fold(name))
    joined = ["".join(found)] if len(found) > 1 and len(found[0]) < SHORTEST else []
    return tuple(dict.fromkeys(word for word in (*found, *joined) if len(word) >= SHORTEST))


def _folds_to(texts: pl.Series, known: set[str]) -> Flags:
    """Flags of the texts with a word that is one of the `known` without its accents, or with a digit of another script."""
    words = texts.str.extract_all(WORD_BESIDE_ASCII)
    odd = [word for word in words.explode().unique() if word and _is_known(fold(word), known)]
    if not odd:
        return np.zeros(len(texts), np.bool_)
    return words.list.eval(pl.element().is_in(odd)).list.any().fill_null(False).to_numpy()


def _is_known(plain: str, known: set[str]) -> bool:
    return any(map(str.isdigit, plain)) or not known.isdisjoint(LETTERS.findall(plain))


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


def _split(flags: Flags, columns: list[pl.Series]) -> list[Flags]:
    return np.split(flags, np.cumsum([len(one) for one in columns])[:-1])


def _digits_of(texts: pl.Series) -> pl.Series:
    return texts.str.replace_all("[^0-9]", "")


def _contain(texts: pl.Series, pieces: pl.Series) -> Flags:
    pairs = pl.DataFrame([texts.alias("text"), pieces.alias("piece")])
    found = pairs.select(pl.col("text").str.contains(pl.col("piece"), literal=True).fill_null(False))
    return found.to_series().to_numpy()


def _translated(texts: pa.LargeStringArray, alphabet: bytes) -> pl.Series:
    letters = Letters(texts)
    return Letters.from_bytes(letters.starts, letters.translated(alphabet)).series()
