"""Recognisers: where in one text something stands that looks like personal data, whoever it belongs to.

A text is first read: encodings undone, width, case and accents taken away, each letter with the place it came from. A
recogniser gives spans of the read letters; `redact` puts stars into the text as it was.
"""

import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

STARS = "***"
DEPTH = 4  # encodings around each other that are undone; below that a text is hidden as a whole
SHORTEST = 2  # letters of a name
MOST_WORDS = 20  # of a name or a street

ENCODED = re.compile(
    r"(?:%[0-9A-Fa-f]{2})+|&(?:#0*[0-9]{1,7}|#[xX]0*[0-9a-fA-F]{1,6}|[A-Za-z][0-9A-Za-z]{1,31}(?=;));?"
    r"|(?:(?<!\\)\\+u[0-9A-Fa-f]{4})+|\\[nrtbf]"
)
ENCODED_LETTER = re.compile(r"%[2-9A-Fa-f][0-9A-Fa-f]|&#|&[A-Za-z][0-9A-Za-z]{1,31};|\\u")
ESCAPES = {"\\n": "\n", "\\r": "\r", "\\t": "\t", "\\b": "\b", "\\f": "\f"}
LIKE = {"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"}

WORD, LETTER = re.compile(r"[^\W_]+"), re.compile(r"[^\W\d_]")
WITHOUT_BLANKS = re.compile(r"[\u0e00-\u0eff\u1000-\u11ff\u1780-\u17ff\u2e80-\uffff\U00020000-\U0003ffff]")
NUMBER = re.compile(r"[+(]{0,4}[0-9](?:[\W_]*[0-9]){6,}")
SSN_SHAPE = re.compile(r"(?<![0-9])[0-9]{3}[\W_]{1,3}[0-9]{2}[\W_]{1,3}[0-9]{4}(?![0-9])")
# of browsers and systems, with more digits than a phone number has, and otherwise apart
VERSION = re.compile(
    r"/(?!(?:1\.)?\d{3}\.\d{3}\.\d{4}(?![\d.]))\d{1,4}(?:\.\d{1,6}){2,}|gecko/20\d{6}|build/[a-z0-9]{4}\.\d{6}\.\d{3}"
)
# ids, which are long words of hexadecimal digits
ID = re.compile(
    r"(?<![^\W_])(?:(?=[0-9]*[a-f])[0-9a-f]{24,}|(?=[0-9-]{0,36}[a-f])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})(?![^\W_])"
)
LITERAL = re.compile(r"\[[0-9a-f:.]{2,60}\]|\[ipv6:[0-9a-f:.]{2,60}\]")
NO_LOCAL_PART = frozenset(" \t\n\r\v\f\xa0@<>()[],;:\"'\\")
NO_DOMAIN = NO_LOCAL_PART | frozenset("/?#&=!*{}|")
DOMAIN_AFTER_BLANKS = re.compile(r"[^\s@<>()\[\],;:\"'/?#&=]*\.[^\W\d_]{2,}")
MONTHS = {
    name: number
    for number, month in enumerate(
        ["january", "february", "march", "april", "may", "june",
         "july", "august", "september", "october", "november", "december"],
        1,
    )
    for name in (month, month[:3])
}  # fmt: skip

Span = tuple[int, int]


class Reading(NamedTuple):
    """A text as it is read: `places` has for each letter where it stands in the text, and at last the text's length."""

    letters: str
    places: Sequence[int]


class Own(NamedTuple):
    """The row's own values, as they are read. `words` count at word boundaries; `phrases` are words that follow each
    other; `pieces` are of scripts that put no blanks between words; `born` has the orders of a birth date's parts;
    `never` are the values of never-exported types."""

    words: frozenset[str] = frozenset()
    phrases: frozenset[tuple[str, ...]] = frozenset()
    pieces: frozenset[str] = frozenset()
    born: frozenset[tuple[int, ...]] = frozenset()
    never: frozenset[str] = frozenset()

    @property
    def needles(self) -> Iterator[str]:
        """One of them stands in each text that holds a name or a street."""
        yield from (*self.words, *self.pieces)
        phrases = (phrase for phrase in self.phrases if self.words.isdisjoint(phrase))
        yield from (max(phrase, key=lambda part: (part.isalpha(), len(part))) for phrase in phrases)

    def is_in(self, letters: str) -> bool:
        """Whether anything of them stands in these letters, be it within a word."""
        years = (f"{max(order):04d}" for order in self.born)
        pieces = any(piece in letters for piece in (*self.words, *self.pieces, *years))
        return pieces or any(all(part in letters for part in phrase) for phrase in self.phrases)


Recogniser = Callable[[str, Own], Iterable[Span]]


def redact(text: str, own: Own, recognisers: Iterable[Recogniser]) -> str:
    """`text` with stars wherever one of the recognisers finds something."""
    reading = read(text)
    if reading is None:
        return STARS
    places = reading.places
    pieces: list[str] = []
    done = 0
    for start, last in sorted(span for recognise in recognisers for span in recognise(reading.letters, own)):
        if places[start] > done or not pieces:
            pieces += [text[done : places[start]], STARS]
        end = bisect_right(places, places[last - 1])  # the letters of one encoding go together
        done = max(done, places[end])
    return "".join([*pieces, text[done:]])


def is_near(text: str, own: Own) -> bool:
    """Whether the text must be read for the row's own values."""
    return bool(own.never) or ENCODED_LETTER.search(text) is not None or own.is_in(fold(text))


def read(text: str) -> Reading | None:
    """None for a text that is encoded more often than anybody would."""
    reading = Reading(text, range(len(text) + 1))
    for _ in range(DEPTH):
        decoded = _decoded(reading) if ENCODED.search(reading.letters) else reading
        if decoded.letters == reading.letters:
            return _folded(reading)
        reading = decoded
    return None if _decoded(reading).letters != reading.letters else _folded(reading)


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


def addresses(letters: str, own: Own, before: frozenset[str] = NO_LOCAL_PART) -> Iterator[Span]:
    """E-mail addresses, also with blanks around the @, and without a domain; none goes on `before` one of these."""
    at = letters.find("@")
    while at >= 0:
        local, end = at, at + 1
        while local and letters[local - 1].isspace():
            local -= 1
        while end < len(letters) and letters[end].isspace():
            end += 1
        start = local
        while start and letters[start - 1] not in before:
            start -= 1
        if start == local and letters[start - 1 : start] == '"':
            start = max(letters.rfind('"', 0, start - 1), 0)
        if local < at or end > at + 1:
            found = DOMAIN_AFTER_BLANKS.match(letters, end)
            end = found.end() if found else at
        literal = LITERAL.match(letters, end)
        end = literal.end() if literal else end
        while end > at and end < len(letters) and letters[end] not in NO_DOMAIN:
            end += 1
        if start < local and end > at:
            yield start, end
        at = letters.find("@", max(at + 1, end))


def addresses_in_url(letters: str, own: Own) -> Iterator[Span]:
    """The same, in a step of the path or a parameter."""
    return addresses(letters, own, NO_LOCAL_PART | frozenset("/?&="))


def numbers(letters: str, own: Own) -> Iterator[Span]:
    """Runs of seven and more digits, whatever stands between them that is no letter; none in an id."""
    return (found.span() for found in NUMBER.finditer(ID.sub(_letters_like, letters)))


def numbers_but_versions(letters: str, own: Own) -> Iterator[Span]:
    """The same in a user agent, whose versions are no numbers of anybody."""
    return numbers(VERSION.sub(_letters_like, letters), own)


def _letters_like(found: re.Match[str]) -> str:
    return "x" * len(found.group())


def own_words(letters: str, own: Own) -> Iterator[Span]:
    """The row's own names, streets and birth date."""
    words = [found.span() for found in WORD.finditer(letters)] if own.is_in(letters) else []
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


def own_of(values: Iterable[tuple[str, str]]) -> Own:
    """From pairs of semantic type and value."""
    found = [_own_of(type, value) for type, value in values]
    return Own(*(frozenset().union(*parts) for parts in zip(*found, strict=True))) if found else Own()


@lru_cache(4096)
def _own_of(type: str, value: str) -> Own:
    if type == "dob":
        return Own(born=_orders_of_day(value))
    reading = read(value)
    plain = reading.letters if reading else fold(value)
    if type not in ("name", "street"):
        digits = re.sub(r"[\W_]", "", plain)
        text = digits if digits.isdigit() else plain.strip()
        return Own(never=frozenset([text] if len(text) > SHORTEST else []))
    parts = WORD.findall(plain)[:MOST_WORDS]
    pieces = frozenset(part for part in parts if WITHOUT_BLANKS.search(part) and len(part) >= SHORTEST)
    spaced = tuple(part for part in parts if not WITHOUT_BLANKS.search(part))
    words = (part for part in (*spaced, "".join(spaced)) if len(part) >= SHORTEST and LETTER.search(part))
    phrases = {spaced, spaced[1:] if type == "street" and spaced and spaced[0].isdigit() else spaced}
    return Own(
        words=frozenset(words if type == "name" else ()),
        phrases=frozenset(one for one in phrases if len(LETTER.findall("".join(one))) >= SHORTEST),
        pieces=pieces,
    )


def _orders_of_day(value: str) -> frozenset[tuple[int, ...]]:
    """Year, month and day in the orders in which people write them."""
    try:
        day = date.fromisoformat(value[:10])
    except ValueError:
        return frozenset()
    y, m, d = day.year, day.month, day.day
    return frozenset([(y, m, d), (m, d, y), (d, m, y)])


def _as_number(word: str) -> int:
    """`3`, `3rd`, `mar` and `march` are 3; any other word is no part of a date."""
    if word in MONTHS:
        return MONTHS[word]
    digits = word[:-2] if word[-2:] in ("st", "nd", "rd", "th") else word
    return int(digits) if digits.isdecimal() and len(digits) <= 4 else -1


def _all_of(piece: str, letters: str) -> Iterator[Span]:
    at = letters.find(piece)
    while at >= 0:
        yield at, at + len(piece)
        at = letters.find(piece, at + len(piece))


def _decoded(reading: Reading) -> Reading:
    """One encoding undone; the letters that it stands for have its place."""
    letters: list[str] = []
    places: list[int] = []
    done = 0
    for found in ENCODED.finditer(reading.letters):
        start, end = found.span()
        plain = _undone(found.group())
        letters += reading.letters[done:start], plain
        places += [*reading.places[done:start], *[reading.places[start]] * len(plain)]
        done = end
    return Reading("".join([*letters, reading.letters[done:]]), [*places, *reading.places[done:]])


def _undone(code: str) -> str:
    if code[0] == "&":
        return html.unescape(code)
    if code[0] == "%":
        return unquote(code)
    units = "".join(chr(int(unit, 16)) for unit in re.findall("u([0-9A-Fa-f]{4})", code))
    return ESCAPES.get(code) or units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _folded(reading: Reading) -> Reading:
    if reading.letters.isascii():
        return Reading(reading.letters.lower(), reading.places)
    plain = [letter.lower() if letter.isascii() else fold(letter) for letter in reading.letters]
    places = [place for letters, place in zip(plain, reading.places, strict=False) for _ in letters]
    return Reading("".join(plain), [*places, reading.places[-1]])
