"""Templates of known words with their filters, as nearly all are: read and rendered without Jinja, which takes a fifth of
the time of a short command to load. What is written in any other way is Jinja's (`sandbox`), which also tells what is wrong."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from export_pipelines.templates.filters import FILTERS, MAX_FILTERS, MAX_PAD
from export_pipelines.templates.words import MAIL_WORDS, OBJECT_WORDS, PART_WORDS, WORDS

KNOWN = WORDS | MAIL_WORDS | PART_WORDS | OBJECT_WORDS
HOLE = re.compile(r"\{\{ *([a-z_]+)((?: *\| *[a-z]+(?:\([1-9][0-9]?\))?)*) *\}\}")
FILTER = re.compile(r"\| *([a-z]+)(?:\(([0-9]+)\))?")
NOT_PLAIN = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}|[\x00\r]|\{\Z")


class Hole(NamedTuple):
    """A word, and its filters with their width."""

    word: str
    filters: tuple[tuple[str, tuple[int, ...]], ...]


@lru_cache(maxsize=256)
def pieces_of(template: str) -> tuple[str | Hole, ...] | None:
    """Texts and holes in turn; None where it is written in another way, or something is wrong with it."""
    pieces: list[str | Hole] = []
    end = 0
    for match in HOLE.finditer(template):
        filters = tuple(_filters(match[2]))
        if match[1] not in KNOWN or None in filters or len(filters) > MAX_FILTERS:
            return None
        pieces += (
            template[end : match.start()],
            Hole(match[1], tuple(named for named in filters if named is not None)),
        )
        end = match.end()
    pieces.append(template[end:])
    texts = (piece for piece in pieces if isinstance(piece, str))
    return None if any(map(NOT_PLAIN.search, texts)) else tuple(pieces)


def words_of(pieces: tuple[str | Hole, ...]) -> frozenset[str]:
    return frozenset(piece.word for piece in pieces if isinstance(piece, Hole))


def filled(pieces: tuple[str | Hole, ...], words: Mapping[str, str]) -> str:
    """The pieces with `words`, which has all of theirs, put in."""
    return "".join(piece if isinstance(piece, str) else _value(piece, words) for piece in pieces)


def _value(hole: Hole, words: Mapping[str, str]) -> str:
    value = words[hole.word]
    for name, width in hole.filters:
        value = FILTERS[name](value, *width)
    return value


def _filters(text: str) -> Iterator[tuple[str, tuple[int, ...]] | None]:
    for name, width in FILTER.findall(text):
        if name not in FILTERS or (width and (name != "pad" or not 1 <= int(width) <= MAX_PAD)):
            yield None
        else:
            yield name, (int(width),) if width else ()
