"""Recognisers: where in one text something stands that looks like personal data, whoever it belongs to.

A text is first read: encodings undone, width, case and accents taken away, each letter with the place it came from. A
recogniser gives spans of the read letters; `redact` puts stars into the text as it was.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

STARS = "***"
DEPTH = 4  # encodings around each other that are undone; below that a text is hidden as a whole
FEWEST_DIGITS = 7  # of a phone
SHORTEST = 2  # letters of a name
KEPT_OF_ROWS = 4096  # rows share first names, and a row's values are asked for by each of its columns

ENCODED_LETTER = re.compile(r"%[2-9A-Fa-f][0-9A-Fa-f]|&#|&[A-Za-z][0-9A-Za-z]{1,31};|\\u")
ENCODED = re.compile(
    r"(?:%[0-9A-Fa-f]{2})+|&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][0-9A-Za-z]{1,31}(?=;));?"
    r"|(?:\\u[0-9A-Fa-f]{4})+|\\[nrtbf]"
)
ESCAPES = {"\\n": "\n", "\\r": "\r", "\\t": "\t", "\\b": "\b", "\\f": "\f"}
LIKE = {"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"}

WORD = re.compile(r"[^\W_]+")
LETTERS = re.compile(r"[^\W\d_]+")
WITHOUT_BLANKS = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\uffff\U00020000-\U0003ffff]")
NUMBER = re.compile(rf"[+(]*[0-9](?:[\W_]*[0-9]){{{FEWEST_DIGITS - 1},}}")
SSN_SHAPE = re.compile(r"(?<![0-9])[0-9]{3}[\W_]{1,3}[0-9]{2}[\W_]{1,3}[0-9]{4}(?![0-9])")
# versions that browsers write with many digits, which no phone number has: Chrome/120.0.6099.109, Gecko/20100101
VERSION = re.compile(r"/\d{1,3}\.0(?:\.\d{1,5}){1,2}(?![\d.])|gecko/20\d{6}")
NO_LOCAL_PART = frozenset(" \t\n\r\v\f\xa0@<>()[],;:\"'\\")
NO_DOMAIN = NO_LOCAL_PART | frozenset("/?#&=!*{}|")
DOMAIN_AFTER_BLANKS = re.compile(r"[^\s@<>()\[\],;:\"'/?#&=]*\.[^\W\d_]{2,}")
MONTH_NAMES = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
MONTHS = {name: n for n, month in enumerate(MONTH_NAMES, 1) for name in (month, month[:3])}

Span = tuple[int, int]


class Reading(NamedTuple):
    """A text as it is read: `places` has for each letter where it stands in the text, and at last the text's length."""

    letters: str
    places: Sequence[int]


class Own(NamedTuple):
    """The row's own values, as they are read. `words` are told at word boundaries; `phrases` are words that follow each
    other; `pieces` are of scripts that put no blanks between words; `born` has the orders of a birth date's parts; `never` are
    the values of never-exported types."""

    words: frozenset[str] = frozenset()
    phrases: tuple[tuple[str, ...], ...] = ()
    pieces: frozenset[str] = frozenset()
    born: frozenset[tuple[int, ...]] = frozenset()
    never: tuple[str, ...] = ()

    def is_in(self, letters: str) -> bool:
        """Whether anything of them stands in these letters, be it within a word."""
        starts = (phrase[0] for phrase in self.phrases)
        years = (f"{max(order):04d}" for order in self.born)
        return any(piece in letters for piece in (*self.words, *starts, *years, *self.pieces))


Recogniser = Callable[[str, Own], Iterable[Span]]


def redact(text: str, own: Own, recognisers: Iterable[Recogniser]) -> str:
    """`text` with stars wherever one of the recognisers finds something."""
    reading = read(text)
    if reading is None:
        return STARS
    spans = sorted(span for recognise in recognisers for span in recognise(reading.letters, own))
    if not spans:
        return text
    pieces, done = [], 0
    for start, end in _merged(spans):
        pieces += [text[done : reading.places[start]], STARS]
        done = reading.places[end]
    return "".join([*pieces, text[done:]])


def is_near(text: str, own: Own) -> bool:
    """Whether the text must be read for the row's own values."""
    return bool(own.never) or ENCODED_LETTER.search(text) is not None or own.is_in(fold(text))


def read(text: str) -> Reading | None:
    """None for a text that is encoded more often than anybody would."""
    reading = Reading(text, range(len(text) + 1))
    for _ in range(DEPTH):
        if not ENCODED.search(reading.letters):
            return _folded(reading)
        decoded = _decoded(reading)
        if decoded.letters == reading.letters:
            return _folded(reading)
        reading = decoded
    return (
        None
        if ENCODED.search(reading.letters) and _decoded(reading).letters != reading.letters
        else _folded(reading)
    )


def fold(text: str) -> str:
    """Without case, accents, width and signs that are not shown; digits of all scripts alike."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKD", text).casefold().translate(PLAIN)


class _Plain(dict[int, str]):
    """Letters beside ASCII as they are read, each looked up once."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        kind = unicodedata.category(letter)
        digit = str(unicodedata.decimal(letter)) if kind == "Nd" else letter
        self[code] = "" if kind in ("Mn", "Me", "Cf") else LIKE.get(letter, digit)
        return self[code]


PLAIN = _Plain()


def addresses(letters: str, own: Own) -> Iterator[Span]:
    """E-mail addresses, also with blanks around the @."""
    at = letters.find("@")
    while at >= 0:
        start, end = at, at + 1
        while start and letters[start - 1].isspace():
            start -= 1
        blanks = start < at
        local = start
        while start and letters[start - 1] not in NO_LOCAL_PART:
            start -= 1
        while end < len(letters) and letters[end].isspace():
            end += 1
        if blanks or end > at + 1:
            found = DOMAIN_AFTER_BLANKS.match(letters, end)
            end = found.end() if found else at
        else:
            while end < len(letters) and letters[end] not in NO_DOMAIN:
                end += 1
        quoted = start == local and letters[:start].endswith('"')
        if quoted:
            start = max(letters.rfind('"', 0, start - 1), 0)
        if start < local and end > at + 1:
            yield start, end
        at = letters.find("@", at + 1)


def numbers(letters: str, own: Own) -> Iterator[Span]:
    """Runs of seven and more digits, whatever stands between them that is no letter."""
    return (found.span() for found in NUMBER.finditer(letters))


def numbers_but_versions(letters: str, own: Own) -> Iterator[Span]:
    """The same in a user agent, whose versions are no numbers of anybody."""
    return numbers(VERSION.sub(lambda found: "x" * len(found.group()), letters), own)


def own_words(letters: str, own: Own) -> Iterator[Span]:
    """The row's own names, streets and birth date."""
    pieces = (
        *own.words,
        *(phrase[0] for phrase in own.phrases),
        *(f"{max(order):04d}" for order in own.born),
    )
    near = any(piece in letters for piece in pieces)
    words = [found.span() for found in WORD.finditer(letters)] if near else []
    spelled = [letters[start:end] for start, end in words]
    for n, word in enumerate(spelled):
        if word in own.words or word.rstrip("0123456789") in own.words:
            yield words[n]
        for phrase in own.phrases:
            if word == phrase[0] and tuple(spelled[n : n + len(phrase)]) == phrase:
                yield words[n][0], words[n + len(phrase) - 1][1]
    for piece in own.pieces:
        yield from _all_of(piece, letters)
    parts = [(n, number) for n, word in enumerate(spelled) if own.born and (number := _as_number(word)) >= 0]
    for part in zip(parts, parts[1:], parts[2:], strict=False):
        if tuple(number for _, number in part) in own.born:
            yield words[part[0][0]][0], words[part[2][0]][1]


def never_exported(letters: str, own: Own) -> Iterator[Span]:
    """The row's own values of never-exported types in any spelling, and whatever has the shape of an SSN."""
    yield from (found.span() for found in SSN_SHAPE.finditer(letters))
    for value in own.never:
        if not value.isdigit():
            yield from _all_of(value, letters)
            continue
        for start, end in numbers(letters, own):
            places = [at for at in range(start, end) if letters[at].isdigit()]
            for first, last in _all_of(value, "".join(letters[at] for at in places)):
                yield places[first], places[last - 1] + 1


@lru_cache(KEPT_OF_ROWS)
def own_of(values: tuple[tuple[str, str], ...]) -> Own:
    """From pairs of semantic type and value."""
    words: set[str] = set()
    phrases: set[tuple[str, ...]] = set()
    pieces: set[str] = set()
    born: set[tuple[int, ...]] = set()
    never: list[str] = []
    for type, value in values:
        if type == "dob":
            born |= _orders_of_day(value)
        elif type not in ("name", "street"):
            never += _never_of(value)
        else:
            _add_name(type, fold(value), words, phrases, pieces)
    return Own(frozenset(words), tuple(sorted(phrases)), frozenset(pieces), frozenset(born), tuple(never))


def _add_name(
    type: str, plain: str, words: set[str], phrases: set[tuple[str, ...]], pieces: set[str]
) -> None:
    """Each word of a name; a street as a whole, and without its number in front."""
    if WITHOUT_BLANKS.search(plain):
        pieces.update(word for word in WORD.findall(plain) if len(word) >= SHORTEST)
        return
    found = tuple(WORD.findall(plain))
    if type == "name":
        words.update(
            word for word in found if len(LETTERS.sub("", word)) < len(word) and len(word) >= SHORTEST
        )
    whole = [found] if type == "name" else [found, found[1:] if found and found[0].isdigit() else found]
    for phrase in whole:
        if sum(map(len, LETTERS.findall(" ".join(phrase)))) >= SHORTEST:
            phrases.add(phrase)
            if type == "name":
                words.add("".join(phrase))


def _orders_of_day(value: str) -> set[tuple[int, ...]]:
    """Year, month and day in the orders in which people write them."""
    try:
        day = date.fromisoformat(value[:10])
    except ValueError:
        return set()
    y, m, d = day.year, day.month, day.day
    return {(y, m, d), (m, d, y), (d, m, y)}


def _as_number(word: str) -> int:
    """`3`, `3rd`, `mar` and `march` are 3; any other word is no part of a date."""
    if word in MONTHS:
        return MONTHS[word]
    digits = word[:-2] if word[-2:] in ("st", "nd", "rd", "th") else word
    return int(digits) if digits.isdecimal() and len(digits) <= 4 else -1


def _never_of(value: str) -> list[str]:
    """Digits of a number; a text as it is read."""
    plain = fold(value).strip()
    digits = re.sub(r"[\W_]", "", plain)
    if digits.isdigit():
        return [digits] if len(digits) >= FEWEST_DIGITS else []
    return [plain] if len(plain) > SHORTEST else []


def _all_of(piece: str, letters: str) -> Iterator[Span]:
    at = letters.find(piece)
    while at >= 0:
        yield at, at + len(piece)
        at = letters.find(piece, at + len(piece))


def _decoded(reading: Reading) -> Reading:
    """One encoding undone."""
    letters: list[str] = []
    places: list[int] = []
    done = 0
    for found in ENCODED.finditer(reading.letters):
        start, end = found.span()
        letters.append(reading.letters[done:start])
        places += reading.places[done:start]
        for letter, at in _undone(found.group()):
            letters.append(letter)
            places += [reading.places[start + at]] * len(letter)
        done = end
    letters.append(reading.letters[done:])
    return Reading("".join(letters), [*places, *reading.places[done:]])


def _undone(code: str) -> Iterator[tuple[str, int]]:
    """The letters that an encoding stands for, each with its place in it."""
    if code[0] == "&":
        yield html.unescape(code), 0
    elif code[0] == "%":
        at = 0
        for letter in unquote(code, errors="surrogateescape"):
            yield letter, at
            at += 3 * len(letter.encode("utf-8", "surrogateescape"))
    elif code in ESCAPES:
        yield ESCAPES[code], 0
    else:
        units = code.split("\\u")[1:]
        text = "".join(chr(int(unit, 16)) for unit in units)
        at = 0
        for letter in text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"):
            yield letter, at
            at += 6 * (1 + (ord(letter) > 0xFFFF))


def _folded(reading: Reading) -> Reading:
    text = reading.letters
    if text.isascii():
        return Reading(text.lower(), reading.places)
    letters: list[str] = []
    places: list[int] = []
    for at, letter in enumerate(text):
        plain = letter.lower() if letter.isascii() else fold(letter)
        letters.append(plain)
        places += [reading.places[at]] * len(plain)
    return Reading("".join(letters), [*places, reading.places[len(text)]])


def _merged(spans: Iterable[Span]) -> Iterator[Span]:
    start, end = -1, -1
    for first, last in spans:
        if first > end:
            if end > start:
                yield start, end
            start, end = first, last
        else:
            end = max(end, last)
    yield start, end
