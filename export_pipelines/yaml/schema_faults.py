"""Pydantic's findings in plain words: key, what was found, what is allowed, the nearest right word."""

import re
from collections.abc import Iterator
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails

from export_pipelines.errors import unknown

if TYPE_CHECKING:
    from export_pipelines.yaml.lines import Key

_WANTED = {
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "list_type": "a list (in square brackets)",
    "tuple_type": "a list (in square brackets)",
    "dict_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
}


_NOUNS = {"op": "operator", "every": "bucket", "for": "reader", "recipes": "reader"}


def plain_faults(error: ValidationError, model: type[BaseModel]) -> "Iterator[tuple[Key, str]]":
    """Each fault as the key it is about and one line of text."""
    every = [(details, *_walk(model, details["loc"])) for details in error.errors(include_url=False)]
    for details, place, inside in every:
        below = (other for _, other, _ in every if other != place and other[: len(place)] == place)
        if details["type"] == "too_short" and any(below):
            continue  # too short only because pydantic does not count its wrong members
        yield place, plain(details, place, inside)


def plain(details: ErrorDetails, place: "Key", inside: Any) -> str:
    """One finding as text, `key: what; allowed`."""
    match details["type"]:
        case "extra_forbidden":
            moved = _moved(inside).get(str(place[-1]))
            return (
                _under(place, moved)
                if moved
                else _under(place[:-1], unknown("key", str(place[-1]), keys(inside)))
            )
        case "missing":
            words = [word for item in _flat(inside) if get_origin(item) is Literal for word in get_args(item)]
            allowed = f"; allowed: {', '.join(map(str, words))}" if words else ""
            return _under(place[:-1], f'the key "{place[-1]}" is missing{allowed}')
        case _:
            return _under(place, _wrong_value(details, place) + _example(details, inside))


def _wrong_value(details: ErrorDetails, place: "Key") -> str:
    kind, value = details["type"], details["input"]
    if kind in ("literal_error", "enum"):
        words = re.findall(r"'([^']*)'", details["ctx"]["expected"])
        return _unknown_word(_noun(place), value, words)
    if kind == "greater_than":
        return f"a number above {details['ctx']['gt']} is expected, not {shown_value(value)}"
    if kind == "too_short":
        return "a list of at least one is expected, not an empty one"
    if kind in _WANTED:
        return f"{_WANTED[kind]} is expected, not {shown_value(value)}"
    return details["msg"]


def shown_value(value: Any) -> str:
    """What was found in a file, short."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    text = str(value)
    text = text if len(text) <= 60 else text[:57] + "..."
    return f'"{text}"' if isinstance(value, str) else text


def _noun(place: "Key") -> str:
    key = next((part for part in reversed(place) if isinstance(part, str)), "")
    if key in _NOUNS:
        return _NOUNS[key]
    return str(place[0]) if len(place) == 1 else "word"


def _unknown_word(what: str, value: Any, words: list[str]) -> str:
    if not isinstance(value, str):
        return f"a word is expected, not {shown_value(value)}; allowed: {', '.join(words)}"
    return unknown(what, value, words)


def _under(place: "Key", text: str) -> str:
    name = ".".join(str(part) for part in place)
    return f"{name}: {text}" if name else text


def _flat(annotation: Any) -> Iterator[Any]:
    """The members of a union, without their annotations."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _flat(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for member in get_args(annotation):
            yield from _flat(member)
    else:
        yield annotation


def _walk(annotation: Any, loc: tuple[str | int, ...]) -> "tuple[Key, Any]":
    """The key that `loc` names, without the names of union members in it, and the annotation around or at its end."""
    place: list[str | int] = []
    for part in loc:
        tagged = _tagged(annotation, part) if isinstance(part, str) and part.startswith("(") else None
        if tagged is not None:
            annotation = tagged
            continue
        inner = _step(annotation, part)
        if inner is not None:
            annotation = inner
        if inner is not None or part == loc[-1]:
            place.append(part)
    return tuple(place), annotation


def _tagged(annotation: Any, tag: str) -> Any:
    """The member of a union with this tag, which stands in brackets; None for a key that is written so."""
    if get_origin(annotation) is Annotated and Tag(tag) in get_args(annotation)[1:]:
        return get_args(annotation)[0]
    for member in get_args(annotation):
        inner = _tagged(member, tag)
        if inner is not None:
            return inner
    return None


def _step(annotation: Any, part: str | int) -> Any:
    for member in _flat(annotation):
        if isinstance(member, type) and issubclass(member, BaseModel):
            for name, info in member.model_fields.items():
                if part in (name, info.alias):
                    return info.annotation
        elif get_origin(member) is dict and isinstance(part, str):
            return get_args(member)[1]
        elif get_origin(member) in (list, tuple) and isinstance(part, int):
            return get_args(member)[0]
    return None


def _example(details: ErrorDetails, annotation: Any) -> str:
    """How a mapping is written, where something else stands; a model says it as `EXAMPLE`."""
    if details["type"] not in ("model_type", "model_attributes_type"):
        return ""
    return "".join(f"; for example {item.EXAMPLE}" for item in _flat(annotation) if hasattr(item, "EXAMPLE"))


def _moved(annotation: Any) -> dict[str, str]:
    """Keys that are no longer read, and what does their work now; a model says it as `MOVED`."""
    return {key: text for item in _flat(annotation) for key, text in getattr(item, "MOVED", {}).items()}


def keys(annotation: Any) -> list[str]:
    """The keys of a mapping, as they are written: of a model, or of all models of a union."""
    models = [cls for cls in _flat(annotation) if isinstance(cls, type) and issubclass(cls, BaseModel)]
    return [info.alias or name for model in models for name, info in model.model_fields.items()]
