"""The row's own values, as they are read: what its texts are searched for."""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

from export_pipelines.mask.reading import fold, read

SHORTEST = 2  # letters of a name
LONG_NUMBER = 7  # digits
LONG_STREET = 4  # letters of one that is looked for without its number
UNITS = frozenset(
    {"apt", "apartment", "unit", "suite", "ste", "floor", "fl", "room", "rm", "bldg", "building", "lot"}
)
ORDINALS = ("st", "nd", "rd", "th")
MOST_WORDS = 20  # of a name or a street
WORD, LETTER = re.compile(r"[^\W_]+"), re.compile(r"[^\W\d_]")
WITHOUT_BLANKS = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\uffff\U00020000-\U0003ffff]"
)


class Own(NamedTuple):
    """The row's own values, as they are read. `words` count at word boundaries; `phrases` are words that follow each
    other; `pieces` are of scripts that put no blanks between words; `born` has the orders of a birth date's parts;
    `never` are the values of never-exported types."""

    words: frozenset[str] = frozenset()
    phrases: frozenset[tuple[str, ...]] = frozenset()
    pieces: frozenset[str] = frozenset()
    born: frozenset[tuple[int, ...]] = frozenset()
    never: frozenset[str] = frozenset()


NOBODY = Own()


def own_of(values: Iterable[tuple[str, str]]) -> Own:
    """From pairs of semantic type and value."""
    pieces = [_own_of(type, value) for type, value in values]
    return Own(*(frozenset().union(*parts) for parts in zip(*pieces, strict=True))) if pieces else Own()


@lru_cache(1024)
def _own_of(type: str, value: str) -> Own:
    if type == "dob":
        return Own(born=_orders_of_day(value))
    reading = read(value)
    plain = reading.letters if reading else fold(value)
    if type not in ("name", "street"):
        digits = re.sub(r"[\W_]", "", plain)
        short = digits.lstrip("0")  # as programs write it that take it for a number
        text = (short if len(short) >= LONG_NUMBER else digits) if digits.isdigit() else plain.strip()
        return Own(never=frozenset([text] if len(text) > SHORTEST else []))
    parts = WORD.findall(plain)[:MOST_WORDS]
    pieces = frozenset(part for part in parts if WITHOUT_BLANKS.search(part) and len(part) >= SHORTEST)
    spaced = _with_blanks(parts)
    words = (part for part in (*spaced, "".join(spaced)) if len(part) >= SHORTEST and LETTER.search(part))
    phrases = (
        {spaced}
        if type == "name"
        else set(_ways_to_write(spaced, len(_with_blanks(WORD.findall(plain.partition(",")[0])))))
    )
    return Own(
        words=frozenset(words if type == "name" else ()),
        phrases=frozenset(phrase for phrase in phrases if len(LETTER.findall("".join(phrase))) >= SHORTEST),
        pieces=pieces,
    )


def _with_blanks(words: list[str]) -> tuple[str, ...]:
    """Those of scripts that put blanks between words."""
    return tuple(word for word in words if not WITHOUT_BLANKS.search(word))


def _ways_to_write(street: tuple[str, ...], before_comma: int) -> Iterator[tuple[str, ...]]:
    """A street as it is, without what names a unit in the house, and each without its number."""
    unit = next((n for n, word in enumerate(street) if n and word in UNITS), len(street))
    for end in {len(street), unit, before_comma}:
        yield street[:end]
        numbers = takewhile(lambda word: word[0].isdigit() and word[-2:] not in ORDINALS, street[:end])
        bare = street[len(tuple(numbers)) : end]
        if len("".join(bare)) >= LONG_STREET:
            yield bare


def _orders_of_day(value: str) -> frozenset[tuple[int, ...]]:
    """Year, month and day in the orders in which people write them."""
    try:
        day = date.fromisoformat(value[:10])
    except ValueError:
        return frozenset()
    y, m, d = day.year, day.month, day.day
    return frozenset([(y, m, d), (m, d, y), (d, m, y)])
