"""Bodies of requests as plain JSON, and how OpenAPI describes them."""

import json
from typing import Annotated, Any

from fastapi import Depends, Request

from export_pipelines.service.problems import Problem


def _strict(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise ValueError("a key stands twice")
    return mapping


async def _json_body(request: Request) -> Any:
    """Raises Problem for what is no JSON (RFC 8259), and for a key that stands twice."""
    data = await request.body()
    try:
        return json.loads(data, object_pairs_hook=_pairs, parse_constant=_strict)
    except (ValueError, RecursionError) as error:
        what = str(error) if isinstance(error, ValueError) else "it is nested too deep"
        raise Problem(400, "json", f"the body is no JSON: {what.partition(':')[0]}") from None


JsonBody = Annotated[Any, Depends(_json_body)]


def body_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """For `openapi_extra` of an operation whose body is read by JsonBody."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
