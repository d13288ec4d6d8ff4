"""The JSON Schema (2020-12) of a stream's records, for those who consume them."""

from typing import Any

from export_pipelines.encode.json_schema import DIALECT, TIMESTAMP, VALUES, closed, object_schema
from export_pipelines.plan.plan import Plan
from export_pipelines.streaming.sink import Envelope


def record_schema(plan: Plan, envelope: Envelope) -> dict[str, Any]:
    """The schema of each record of `plan`: of the envelope with the `data` in it, or of the data alone."""
    data = object_schema((column.json_path, VALUES[column.kind]) for column in plan.masking.columns)
    record = data if envelope.bare else _enveloped(data, envelope)
    return {"$schema": DIALECT, "title": f"Records of {envelope.export}", **record}


def _enveloped(data: dict[str, Any], envelope: Envelope) -> dict[str, Any]:
    return closed(
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
