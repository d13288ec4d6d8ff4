"""SQL functions that a query may call and SQLite does not have; the plan lists those it needs in `Query.functions`."""

import sqlite3

from export_pipelines.patterns import is_found
from export_pipelines.transform.components import component_of, is_valid


def register(connection: sqlite3.Connection) -> None:
    """Adds fold(text), regexp(pattern, text), is_valid(type, value) and component(type, name, value); null gives null."""
    for name, arguments, function in (
        ("fold", 1, fold),
        ("regexp", 2, regexp),
        ("is_valid", 2, is_valid_value),
        ("component", 3, component),
    ):
        connection.create_function(name, arguments, function, deterministic=True)


def fold(value: object) -> str | None:
    return None if value is None else _text(value).casefold()


def regexp(pattern: str, value: object) -> bool | None:
    return None if value is None else is_found(pattern, _text(value).encode())


def is_valid_value(type: str, value: object) -> bool | None:
    return None if value is None else is_valid(type, _text(value))


def component(type: str, name: str, value: object) -> str | int | None:
    if value is None:
        return None
    component = component_of(type, name, _text(value))
    return int(component) if isinstance(component, bool) else component


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
