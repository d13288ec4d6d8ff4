"""Templates of names and paths, checked when a definition is read: words and three filters, nothing else."""

import re
from collections.abc import Iterable, Iterator

from export_pipelines.errors import RequestError, unknown

WORDS = frozenset(
    {"export", "type", "date", "start", "end", "key", "part", "ext", "year", "month", "day", "run"}
)
PART_WORDS = WORDS - {"run"}  # a part's name is fixed before the run exists
FOLDER_WORDS = WORDS - {"part", "ext"}  # a folder holds all parts
FILTERS = ("lower", "upper", "pad")

_HOLE = re.compile(r"\{\{-?\s*(\w+)\s*((?:\|\s*\w+\s*(?:\(\s*(?:\d+\s*)?\)\s*)?)*)-?\}\}")
# C0 and C1 (NEL, VT, FF among them), line and paragraph separators, surrogates, and what turns the direction of text
_NOT_IN_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ENCODED_WORD = re.compile(r"=\?.*\?=", re.DOTALL)


def template_faults(template: str, allowed: Iterable[str]) -> Iterator[str]:
    """One text for each fault of `template`."""
    words = set(allowed)
    for word, filters in _HOLE.findall(template):
        if word not in words:
            yield unknown("word", word, words)
        for name in re.findall(r"\|\s*(\w+)", filters):
            if name not in FILTERS:
                yield unknown("filter", name, FILTERS)
    if re.search(r"\{\{|\}\}|\{%|%\}|\{#|#\}", _HOLE.sub("", template)):
        yield f"a template holds words such as {{{{date}}}} and the filters {', '.join(FILTERS)} only"


def header_faults(text: str) -> Iterator[str]:
    """One text for each reason why `text`, a template or what became of it, cannot stand in a header. None repeats it."""
    found = _NOT_IN_A_LINE.search(text)
    if found:
        yield (
            f"a header is one line, without control characters and line separators; U+{ord(found[0]):04X} is one"
        )
    if _ENCODED_WORD.search(text):
        yield "a header holds no encoded word (=?...?=); write the letters themselves, they are encoded when it is sent"


def demand_header(text: str, where: str) -> str:
    """`text`, if it can stand in a header. Raises RequestError, which does not repeat it."""
    for fault in header_faults(text):
        raise RequestError(fault, where=where)
    return text


def header_text(text: str) -> str:
    """`text` as it can stand in a header, for what has to be sent whatever it holds."""
    return _NOT_IN_A_LINE.sub(" ", text).replace("=?", "= ?")


def words_in(template: str) -> set[str]:
    """The words that `template` uses."""
    return {word for word, _ in _HOLE.findall(template)}
