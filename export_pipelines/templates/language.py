"""The language: words and three filters; no operator, loop, attribute, comment or call.

A text comes in; what is wrong with it comes out, the words that it uses, or the text with its words put in."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from export_pipelines.errors import LONGEST_WORD, RequestError, unknown
from export_pipelines.templates import plain
from export_pipelines.templates.words import WORDS

MAX_TEMPLATE = 500  # characters
MAX_TEXT = 10_000  # characters of a text that people read


@dataclass(frozen=True)
class _Parsed:
    """`faults` are those that no caller's words change."""

    words: frozenset[str]
    faults: tuple[str, ...]


def template_faults(template: str, allowed: Iterable[str], most: int = MAX_TEMPLATE) -> Iterator[str]:
    """One text for each fault of `template`, which has at most `most` characters and uses `allowed` words only."""
    if len(template) > most:
        yield f"a template of {len(template)} characters is longer than the {most} allowed"
        return
    parsed, words = _parsed(template), set(allowed)
    yield from (unknown("word", word, words) for word in sorted(parsed.words - words))
    yield from parsed.faults


def check_template(template: str, allowed: Iterable[str] = WORDS, most: int = MAX_TEMPLATE) -> None:
    """Raises RequestError for the first of `template_faults`."""
    for text in template_faults(template, allowed, most):
        raise RequestError(text, where=place_of(template))


def words_in(template: str) -> frozenset[str]:
    """The words that `template` uses; none where it is no template."""
    return _parsed(template).words


def filled(template: str, words: Mapping[str, str]) -> str:
    """A template that was checked with `words` put in. Raises RequestError."""
    pieces = plain.pieces_of(template)
    if pieces is not None:
        return plain.filled(pieces, words)
    from export_pipelines.templates import sandbox

    return sandbox.filled(template, words, place_of(template))


def place_of(template: str) -> str:
    """A template as an error names it, short."""
    shown = template if len(template) <= LONGEST_WORD else template[: LONGEST_WORD - 3] + "..."
    return f'template "{shown}"'


@lru_cache(maxsize=256)
def _parsed(template: str) -> _Parsed:
    if "\x00" in template:
        return _Parsed(frozenset(), ("a template holds no NUL character",))
    pieces = plain.pieces_of(template)
    if pieces is not None:
        return _Parsed(plain.words_of(pieces), ())
    from export_pipelines.templates import sandbox

    return _Parsed(*sandbox.words_and_faults(template))
