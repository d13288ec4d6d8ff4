"""Keys of JSON in MariaDB, whose functions do not agree on one that stands twice, or is written in escapes."""

from collections.abc import Sequence

from sqlalchemy import func, literal_column, or_

from export_pipelines.plan.dialects.dialect import Expression, escape_in, fixed
from export_pipelines.plan.dialects.mariadb_values import as_text

BLANK = "[ \\t\\r\\n]"


def may_stand_twice(column: Expression, steps: Sequence[str]) -> Expression:
    """Whether one of the keys may stand twice in its object, or in escapes."""
    text = as_text(column)
    zero: Expression = literal_column("0")
    twice = []
    for key in (fixed(f'"{step}"') for step in steps):
        twice.append(func.locate(key, text, func.locate(key, text) + literal_column("1")) > zero)
    return or_(func.locate(fixed(escape_in(steps)), text) > zero, *twice)


def first_inside(column: Expression, steps: Sequence[str]) -> Expression:
    """The value under the first key of each name, as SQLite takes it."""
    value: Expression = as_text(column)
    for step in steps:
        value = func.regexp_replace(value, fixed(_spellings(step)), fixed(f'"{step}"'))
    for step in steps:
        value = func.json_extract(value, fixed(path_of([step])))
    return value


def path_of(steps: Sequence[str]) -> str:
    """`$."geo"."lat"`."""
    return "$" + "".join(f'."{step}"' for step in steps)


def _spellings(key: str) -> str:
    """The key in any mixture of letters and escapes, as a regular expression; no text of JSON stands before a colon."""
    return f'"{"".join(map(_spelling, key))}"(?={BLANK}*:)'


def _spelling(letter: str) -> str:
    units = letter.encode("utf-16-be").hex()
    escape = "".join(rf"\\u(?i:{units[start : start + 4]})" for start in range(0, len(units), 4))
    slash = r"|\\/" if letter == "/" else ""
    return rf"(?:\x{{{ord(letter):x}}}|{escape}{slash})"
