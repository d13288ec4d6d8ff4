"""Masked values that stand once more in a text of the same row, however they are spelled there."""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from export_pipelines.stream.mask_values import NOTHING
from export_pipelines.stream.spellings import BREAK, WITHIN_NUMBER, digits, folded, number, plain, readings

SHORTEST = 3  # characters; what is shorter is found everywhere and tells nothing
NUMBER = re.compile(
    r"[+(]{0,2}[0-9](?:[\s()./-]*[0-9])+(?:\s*(?:x|ext|extension)[\s.:]*[0-9]{1,7}(?![0-9]))?"
)
KEPT_OF_ROWS = 1024  # of a batch: the values of a row are asked for more than once
Repeats = list[tuple[str, str]]  # semantic type and value of what is masked in the same row


class Sought(NamedTuple):
    """What is looked for in folded texts: letters, and the digits of a number; empty where there are none to look for."""

    letters: str
    number: bytes


Parts = tuple[Sought, ...]


class Placed(NamedTuple):
    """A folded text, and for each of its letters the place in the text as it was."""

    letters: str
    places: list[int] | range


def sought(values: Repeats) -> Parts:
    """What tells that one of these values is there."""
    return tuple(part for one in values for part in _parts(*one))


def repeated(text: str, parts: Parts) -> Parts:
    """Those of the parts that the text holds, as it stands or encoded as in JSON or a URL."""
    return _held(folded(BREAK.join(readings(text))), parts)


def scrubbed(text: str, parts: Parts) -> tuple[str, int]:
    """`text` with stars for each of the parts, and how many were found."""
    parts = repeated(text, parts)
    if not parts:
        return text, 0
    text, hidden = _cut(text, parts)
    if not _reads_as(text, parts):
        return text, hidden
    # encoded: its query is not shown, nor the rest if that holds it too
    head, mark, _ = text.partition("?")
    kept = mark and not _reads_as(head, parts)
    return (f"{head}?{NOTHING}" if kept else NOTHING), hidden + 1


@lru_cache(KEPT_OF_ROWS)
def _parts(type: str, value: str) -> Parts:
    """Of JSON in the place of a value, what tells of each value in it."""
    parts = (_part(type, folded(one)) for one in _values_in(value))
    return tuple(part for part in parts if any(part))


def _part(type: str, text: str) -> Sought:
    return Sought(text if len(text) >= SHORTEST else "", number(type, text).encode())


def _held(flat: str, parts: Parts) -> Parts:
    """Those of the parts that a folded text holds. It goes over most of what Python reads at all, so it is plain."""
    numbers, found = None, []
    for part in parts:
        if part.letters and part.letters in flat:
            found.append(part)
        elif part.number:
            if numbers is None:
                numbers = flat.encode(errors="replace").translate(None, WITHIN_NUMBER)
            if part.number in numbers:
                found.append(part)
    return tuple(found)


def may_be_json(value: str) -> bool:
    return value.lstrip()[:1] in ("{", "[")


def _values_in(value: str) -> Iterator[str]:
    yield value
    if may_be_json(value):
        try:
            yield from leaves(json.loads(value, parse_int=str, parse_float=str))
        except (ValueError, RecursionError):
            return


def leaves(value: Any, *, with_keys: bool = False) -> Iterator[str]:
    """The texts and numbers in parsed JSON."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if with_keys:
                yield key
            yield from leaves(inner, with_keys=with_keys)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, with_keys=with_keys)
    elif isinstance(value, str | int | Decimal) and not isinstance(value, bool):
        yield str(value)


def _reads_as(text: str, parts: Parts) -> bool:
    """Whether one of them is there once the encodings of the text are undone."""
    told = readings(text)[1:]
    return bool(told and _held(folded(BREAK.join(told)), parts))


def _cut(text: str, parts: Parts) -> tuple[str, int]:
    """`text` with every occurrence of one of them replaced by stars."""
    flat = folded(text)
    parts = _held(flat, parts)
    if not parts:
        return text, 0
    placed = _placed(text, flat)
    spans = _merged(span for part in parts for span in _spans(part, placed.letters))
    if not spans:  # told by all letters together alone, or by digits that no number holds
        told = any(part.letters and part.letters in flat for part in parts)
        return (NOTHING, 1) if told else (text, 0)
    ends = [*placed.places, len(text)]
    pieces, done = [], 0
    for start, end in spans:
        pieces += [text[done : ends[start]], NOTHING]
        done = ends[end]
    return "".join([*pieces, text[done:]]), len(spans)


def _spans(part: Sought, flat: str) -> Iterator[tuple[int, int]]:
    at = flat.find(part.letters) if part.letters else -1
    while at >= 0:
        yield at, at + len(part.letters)
        at = flat.find(part.letters, at + len(part.letters))
    if part.number:
        found = part.number.decode()
        yield from (one.span() for one in NUMBER.finditer(flat) if found in digits(one.group()))


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _placed(text: str, flat: str) -> Placed:
    if text.isascii() and len(text) == len(flat):
        return Placed(flat, range(len(text)))
    letters: list[str] = []
    places: list[int] = []
    start = 0
    while start < len(text):
        end = start + 1
        while end < len(text) and unicodedata.combining(text[end]):
            end += 1
        for letter in plain(text[start:end]):
            blank = letter.isspace()
            if not blank or letters[-1:] != [" "]:
                letters.append(" " if blank else letter)
                places.append(start)
        start = end
    return Placed("".join(letters), places)
