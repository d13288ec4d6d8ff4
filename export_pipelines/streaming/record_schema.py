"""The JSON Schema (2020-12) of a stream's records, for those who consume them."""

from collections.abc import Mapping
from typing import Any

from export_pipelines.catalog import Kind
from export_pipelines.encode.json import Tree, tree_of
from export_pipelines.plan.plan import OutputColumn, Plan
from export_pipelines.streaming.sink import Envelope

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


def record_schema(plan: Plan, envelope: Envelope) -> dict[str, Any]:
    """The schema of each record of `plan`: of the envelope with the `data` in it, or of the data alone."""
    data = _object(tree_of(plan.masking.columns))
    record = data if envelope.bare else _enveloped(data, envelope)
    return {"$schema": DIALECT, "title": f"Records of {envelope.export}", **record}


def _enveloped(data: dict[str, Any], envelope: Envelope) -> dict[str, Any]:
    return _closed(
        {
            "id": {"type": "string", "description": "of the event or lead"},
            "sequence": {
                "type": "integer",
                "minimum": 0,
                "description": "number of the record in the stream; id and sequence together tell doubles",
            },
            "export": {"const": envelope.export},
            "schema_version": {"const": envelope.schema_version},
            "emitted_at": {"type": "string", "format": "date-time", "pattern": TIMESTAMP},
            "data": data,
        }
    )


def _object(tree: Tree) -> dict[str, Any]:
    return _closed({key: _member(value) for key, value in tree.items()})


def _member(value: "Tree | OutputColumn") -> dict[str, Any]:
    return _object(value) if isinstance(value, dict) else dict(VALUES[value.kind])


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    """Every key is in every record, and no other."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
