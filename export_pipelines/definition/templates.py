"""Templates of names and paths, checked when a definition is read: words and three filters, nothing else."""

import re
from collections.abc import Iterable, Iterator

from export_pipelines.errors import unknown

WORDS = frozenset(
    {"export", "type", "date", "start", "end", "key", "part", "ext", "year", "month", "day", "run"}
)
PART_WORDS = WORDS - {"run"}  # a part's name is fixed before the run exists
FOLDER_WORDS = WORDS - {"part", "ext"}  # a folder holds all parts
FILTERS = ("lower", "upper", "pad")

_HOLE = re.compile(r"\{\{-?\s*(\w+)\s*((?:\|\s*\w+\s*(?:\(\s*\d*\s*\)\s*)?)*)-?\}\}")


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


def words_in(template: str) -> set[str]:
    """The words that `template` uses."""
    return {word for word, _ in _HOLE.findall(template)}
