"""Recognisers: where in one text something stands that looks like personal data, whoever it belongs to.

A recogniser gets the letters of a text as it is read, and the row's own values, and gives spans; `redact` puts stars into
the text as it was.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from export_pipelines.mask.own import LONG_NUMBER, NOBODY, WORD, Own
from export_pipelines.mask.reading import read

STARS = "***"

NUMBER = re.compile(r"[+(]{0,4}[0-9](?:[\W_]*[0-9]){6,}")
WHOLE = r"(?<![^\W_]){}(?![^\W_])"  # not within a word or another number
SSN_SHAPE = re.compile(r"(?<![0-9])[0-9]{3}[\W_]{1,3}[0-9]{2}[\W_]{1,3}[0-9]{4}(?![0-9])")
# of browsers and systems, with more digits than a phone number has, and otherwise apart
VERSION = re.compile(
    r"/(?!(?:1\.)?\d{3}\.\d{3}\.\d{4}(?![\d.]))\d{1,4}(?:\.\d{1,6}){2,}|gecko/20\d{6}|build/[a-z0-9]{4}\.\d{6}\.\d{3}"
)
# ids, which are long words of hexadecimal digits
ID = re.compile(
    r"(?<![^\W_])(?:(?=[0-9]*[a-f])[0-9a-f]{24,}|(?=[0-9-]{0,36}[a-f])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})(?![^\W_])"
)
USER = re.compile(r"(?<=[/\\]{2})[^\s/\\?#]+@")
LITERAL = re.compile(r"\[[0-9a-f:.]{2,60}\]|\[ipv6:[0-9a-f:.]{2,60}\]")
BRACKETS = "()[]<>{}'"
APOSTROPHE = re.compile(r"[^\W_]'[^\W_]")  # within a word
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
} | {"sept": 9}  # fmt: skip
DATE_PART = re.compile(r"[0-9]+|[^\W\d_]+")

Span = tuple[int, int]
Recogniser = Callable[[str, Own], Iterable[Span]]


@lru_cache(256)
def redact(text: str, own: Own, recognisers: tuple[Recogniser, ...]) -> str:
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


def addresses(letters: str, own: Own, before: frozenset[str] = NO_LOCAL_PART) -> Iterator[Span]:
    """E-mail addresses, also with blanks or brackets around the @, and without a domain; none goes on `before` one of
    these."""
    at = letters.find("@")
    while at >= 0:
        span = _address(letters, at, BRACKETS, before) or _address(letters, at, "", before)
        if span:
            yield span
        at = letters.find("@", max(at + 1, span[1] if span else 0))


def _address(letters: str, at: int, between: str, before: frozenset[str]) -> Span | None:
    """The address of the @ that stands there; `between` may stand beside it, as blanks may."""
    local, domain = at, at + 1
    while local and (letters[local - 1].isspace() or letters[local - 1] in between):
        local -= 1
    while domain < len(letters) and (letters[domain].isspace() or letters[domain] in between):
        domain += 1
    start, end = _start_of(letters, local, before), at + 1
    if local < at or domain > end:
        match = DOMAIN_AFTER_BLANKS.match(letters, domain)
        end = match.end() if match else at
    literal = LITERAL.match(letters, end)
    end = literal.end() if literal else end
    while end > at and end < len(letters) and letters[end] not in NO_DOMAIN:
        end += 1
    return (start, end) if start < local and end > at else None


def _start_of(letters: str, local: int, before: frozenset[str]) -> int:
    """Where the part before the @ begins, which ends at `local`."""
    start = local
    while start and (letters[start - 1] not in before or APOSTROPHE.match(letters, start - 2)):
        start -= 1
    if start < local or letters[start - 1 : start] != '"':
        return start
    quote = letters.rfind('"', 0, start - 1)
    within = letters[quote + 1 : start - 1]
    is_opening = quote == 0 or (quote > 0 and not letters[quote - 1].isalnum())
    return quote if is_opening and within == within.strip() else start


def addresses_in_url(letters: str, own: Own) -> Iterator[Span]:
    """The same, in a step of the path or a parameter."""
    return addresses(letters, own, NO_LOCAL_PART | frozenset("/?&="))


def users(letters: str, own: Own) -> Iterator[Span]:
    """Users and passwords before the host of a URL."""
    return (match.span() for match in USER.finditer(letters))


def numbers(letters: str, own: Own) -> Iterator[Span]:
    """Runs of seven and more digits, whatever stands between them that is no letter; none in an id."""
    return (match.span() for match in NUMBER.finditer(ID.sub(_letters_like, letters)))


def numbers_but_versions(letters: str, own: Own) -> Iterator[Span]:
    """The same in a user agent, whose versions are no numbers of anybody."""
    return numbers(VERSION.sub(_letters_like, letters), own)


def _letters_like(match: re.Match[str]) -> str:
    return "x" * len(match.group())


def own_words(letters: str, own: Own) -> Iterator[Span]:
    """The row's own names, streets and birth date."""
    if own == NOBODY:
        return
    words = [match.span() for match in WORD.finditer(letters)]
    spelled = [letters[start:end] for start, end in words]
    for n, word in enumerate(spelled):
        if word in own.words or word.rstrip("0123456789") in own.words:
            yield words[n]
        for phrase in own.phrases:
            if word == phrase[0] and tuple(spelled[n : n + len(phrase)]) == phrase:
                yield words[n][0], words[n + len(phrase) - 1][1]
    for piece in own.pieces:
        yield from (match.span() for match in re.finditer(re.escape(piece), letters))
    matches = DATE_PART.finditer(letters) if own.born else ()
    parts = [(match, number) for match in matches if (number := _as_number(match.group())) >= 0]
    for part in zip(parts, parts[1:], parts[2:], strict=False):
        if tuple(number for _, number in part) in own.born:
            yield part[0][0].start(), part[2][0].end()


def never_exported(letters: str, own: Own) -> Iterator[Span]:
    """The row's own values of never-exported types in any spelling, and whatever has the shape of an SSN."""
    yield from (match.span() for match in SSN_SHAPE.finditer(letters))
    for value in own.never:
        if len(value) >= LONG_NUMBER and value.isdigit():
            yield from _digits_of(value, letters, own)
        else:
            yield from (match.span() for match in re.finditer(WHOLE.format(re.escape(value)), letters))


def _digits_of(value: str, letters: str, own: Own) -> Iterator[Span]:
    """Where these digits follow each other, whatever stands between, with zeros before them."""
    for start, end in numbers(letters, own):
        places = [at for at in range(start, end) if letters[at].isdigit()]
        for match in re.finditer(f"(?<!0)0*{value}", "".join(letters[at] for at in places)):
            yield places[match.start()], places[match.end() - 1] + 1


def _as_number(word: str) -> int:
    """`3`, `mar` and `march` are 3; any other word is no part of a date."""
    return int(word) if word.isdecimal() and len(word) <= 4 else MONTHS.get(word, -1)
