"""What the JSON formats write, as JSON Schema (2020-12)."""

from collections.abc import Iterable, Mapping
from typing import Any

from export_pipelines.catalog import Kind

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TIMESTAMP = r"^\d{4,}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$"
# A column may be null whatever the catalog demands of it: that is checked, and not repaired.
VALUES: Mapping[Kind, Mapping[str, Any]] = {
    Kind.TEXT: {"type": ["string", "null"]},
    Kind.INTEGER: {"type": ["integer", "null"]},
    Kind.NUMBER: {"type": ["number", "null"]},
    Kind.DECIMAL: {"type": ["number", "null"]},
    Kind.BOOLEAN: {"type": ["boolean", "null"]},
    Kind.DATE: {"type": ["string", "null"], "format": "date"},
    Kind.TIMESTAMP: {"type": ["string", "null"], "format": "date-time", "pattern": TIMESTAMP},
    Kind.JSON: {},
}


Path = tuple[str, ...]


def object_schema(columns: Iterable[tuple[Path, Mapping[str, Any]]]) -> dict[str, Any]:
    """Of the object that each row becomes, from the path of each column and the schema of its values."""
    members: dict[str, list[tuple[Path, Mapping[str, Any]]]] = {}
    for (key, *inner), schema in columns:
        members.setdefault(key, []).append((tuple(inner), schema))
    return closed({key: _member(inside) for key, inside in members.items()})


def _member(columns: list[tuple[Path, Mapping[str, Any]]]) -> dict[str, Any]:
    path, schema = columns[0]
    return object_schema(columns) if path else dict(schema)


def closed(properties: dict[str, Any]) -> dict[str, Any]:
    """Every key is in every object, and no other."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
