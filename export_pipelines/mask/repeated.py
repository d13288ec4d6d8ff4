"""More of the row's own values: those of keys that stand more than once in their object of JSON, wherever they stand."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import polars as pl

from export_pipelines.mask.objects import UnreadObject
from export_pipelines.plan.plan import Repeating

DAY_LETTERS = len("1971-12-30")
Pairs = list[tuple[str, str]]  # of semantic type and value


class Members(list[tuple[str, Any]]):
    """An object of JSON with all its members, also those of one key."""


# numbers keep the letters in which they are stored
_DECODER = json.JSONDecoder(object_pairs_hook=Members, parse_float=str, parse_int=str, parse_constant=str)


def repeated_values(stored: Mapping[str, pl.Series], columns: Iterable[Repeating]) -> dict[int, Pairs]:
    """By row what stands at the paths of `columns`, of rows in which a path leads to more than the first value. Raises
    UnreadObject."""
    values: dict[int, Pairs] = {}
    for column in columns:
        texts = stored[column.column]
        for row in texts.is_not_null().arg_true().to_list():
            try:
                more = _of_text(texts[row], column, row)
            except UnreadObject as error:
                error.column = column.column
                raise
            if more:
                values.setdefault(row, []).extend(more)
    return values


def _of_text(text: str, column: Repeating, row: int) -> Pairs:
    try:
        return _of_object(_DECODER.decode(text), column, row)
    except RecursionError as error:
        raise UnreadObject(row, "JSON that is nested too deeply to be read") from error
    except ValueError as error:
        raise UnreadObject(row, "JSON that does not parse") from error


def _of_object(value: Any, column: Repeating, row: int) -> Pairs:
    more: Pairs = []
    for type, path in column.values:
        steps = path.split(".")
        values = list(_all_at(value, steps))
        if len(values) > _has_first_at(value, steps):
            texts = [text for text in map(_text, values) if text]
            if type == "dob" and not all(map(_is_day, texts)):
                raise UnreadObject(row, "a stored value of a repeated key is not a date")
            more += ((type, text) for text in texts)
    return more


def _is_day(text: str) -> bool:
    """Whether it begins with a day, as the row's own birth date has to."""
    try:
        date.fromisoformat(text[:DAY_LETTERS])
    except ValueError:
        return False
    return True


def _all_at(value: Any, steps: list[str]) -> Iterator[Any]:
    if not steps:
        yield value
    elif isinstance(value, Members):
        for key, member in value:
            if key == steps[0]:
                yield from _all_at(member, steps[1:])


def _has_first_at(value: Any, steps: list[str]) -> bool:
    """Whether the first key of each name leads to a value, which is then the one that the source gives."""
    for step in steps:
        members = [member for key, member in value if key == step] if isinstance(value, Members) else []
        if not members:
            return False
        value = members[0]
    return True


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value.strip() if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
