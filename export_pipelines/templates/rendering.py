"""Templates with their words put in: names and paths that climb nowhere, headers of one line, texts for people."""

import re
from collections.abc import Mapping

from export_pipelines.errors import RequestError
from export_pipelines.templates.filters import NUMBER
from export_pipelines.templates.header import require_header
from export_pipelines.templates.language import (
    MAX_TEMPLATE,
    MAX_TEXT,
    check_template,
    filled,
    place_of,
)
from export_pipelines.templates.words import PART_WORDS

MAX_RESULT = 1000  # characters
MAX_TEXT_RESULT = 50_000  # characters, of a text that people read
MAX_FILE_NAME = 200  # bytes, room for a temporary suffix below the 255 of file systems


def render(template: str, words: Mapping[str, str]) -> str:
    """`template` with `words` put in, each cleaned of slashes and dots that climb. Raises RequestError."""
    return _render(template, _cleaned(words), MAX_TEMPLATE, MAX_RESULT)


def render_header(template: str, words: Mapping[str, str], where: str) -> str:
    """`template` with `words` put in, as it can stand in a header. Raises RequestError; `where` names the setting."""
    return require_header(render(template, words), where)


def render_text(template: str, words: Mapping[str, str]) -> str:
    """`template` with `words` put in as they are, for people to read; no name of a file. Raises RequestError."""
    return _render(template, words, MAX_TEXT, MAX_TEXT_RESULT)


def part_template(template: str, words: Mapping[str, str]) -> str:
    """The part's name with only its number open, as `part_name` takes it: `leads_part_{part}.csv.gz`. Raises RequestError."""
    check_template(template, PART_WORDS)
    name = _render(template, {**_cleaned(words), "part": NUMBER}, MAX_TEMPLATE, MAX_RESULT)
    _check_file_name(template, name)
    escaped = name.replace("{", "{{").replace("}", "}}")
    return re.sub(
        r"\x00(\d+)\x00", lambda hole: f"{{part:0{hole[1]}d}}" if hole[1] != "0" else "{part}", escaped
    )


def part_name(opened: str, number: int) -> str:
    """The name of part `number`, counted from 1, by what `part_template` made."""
    return opened.format(part=number)


def fixed_folder(template: str) -> str:
    """The deepest folder that a template names without a word."""
    before, hole, _ = template.partition("{{")
    if not hole:
        return before
    return before.rpartition("/")[0] or ("/" if before.startswith("/") else "")


def _render(template: str, words: Mapping[str, str], most: int, most_result: int) -> str:
    check_template(template, words, most)
    text = filled(template, words)
    if len(text) > most_result:
        raise RequestError(
            f"the result has {len(text)} characters, more than {most_result}", where=place_of(template)
        )
    return text


def _cleaned(words: Mapping[str, str]) -> dict[str, str]:
    return {name: _clean(value) for name, value in words.items()}


def _clean(value: str) -> str:
    """A value cannot make or climb a path: no slash, no control character, no leading or trailing dot, no `..`."""
    flat = re.sub(r"[/\\\x00-\x1f\x7f]", "-", value)
    return re.sub(r"\.{2,}", "-", flat).strip(". ")


def _check_file_name(template: str, name: str) -> None:
    where = place_of(template)
    if re.search(r"[/\\]", name) or name.startswith(".") or not name.strip():
        raise RequestError(
            "a part's name is a plain file name, without slashes and not beginning with a dot",
            where=where,
            remedy="folders belong to the destination's path",
        )
    require_header(name.replace("\x00", ""), where)  # a mail names it in a header
    if len(name.encode()) > MAX_FILE_NAME:
        raise RequestError(f"a part's name has at most {MAX_FILE_NAME} bytes", where=where)
