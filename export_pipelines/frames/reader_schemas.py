"""An artifact's columns as readers' own schemas, from its manifest alone: what its files hold, whatever wrote them."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from export_pipelines.artifacts import Manifest, ManifestColumn
from export_pipelines.catalog import Kind, PiiClass
from export_pipelines.definition.output import FORMATS
from export_pipelines.encode.formulas import header_in_file
from export_pipelines.encode.json_schema import DIALECT, VALUES, object_schema
from export_pipelines.transform.schema import arrow_type

FRICTIONLESS: Mapping[Kind, Mapping[str, Any]] = {
    Kind.TEXT: {"type": "string"},
    Kind.INTEGER: {"type": "integer"},
    Kind.NUMBER: {"type": "number"},
    Kind.DECIMAL: {"type": "number"},
    Kind.BOOLEAN: {"type": "boolean", "trueValues": ["true"], "falseValues": ["false"]},
    Kind.DATE: {"type": "date", "format": "%Y-%m-%d"},
    Kind.TIMESTAMP: {"type": "datetime", "format": "%Y-%m-%dT%H:%M:%S.%fZ"},
    Kind.JSON: {"type": "string"},
}
ANY = {"type": "any"}
AS_TEXT = (Kind.INTEGER, Kind.DECIMAL, Kind.NUMBER, Kind.DATE, Kind.TIMESTAMP)
IN_CELLS = (Kind.BOOLEAN, Kind.DATE, Kind.TIMESTAMP)  # a sheet has types of its own for them


def json_schema(manifest: Manifest) -> dict[str, Any]:
    """JSON Schema (2020-12) of a row as the JSON formats hold it."""
    columns = (
        (path_of(column), {**VALUES[column.kind], **_described(column)}) for column in manifest.columns
    )
    return {"$schema": DIALECT, "title": f"A row of {manifest.artifact}", **object_schema(columns)}


def table_schema(manifest: Manifest) -> dict[str, Any]:
    """Frictionless Table Schema (v1) of the files: of the cells of a table, of the outermost keys of objects."""
    if FORMATS[manifest.format].nested:
        outer: dict[str, dict[str, Any]] = {}
        for column in manifest.columns:
            path = path_of(column)
            outer.setdefault(path[0], _key(column) if len(path) == 1 else {"type": "object"})
        fields = [{"name": name, **field} for name, field in outer.items()]
    else:
        names = [header_in_file(column.name, manifest.options) for column in manifest.columns]
        fields = [
            {"name": name, **_cell(column, manifest)}
            for name, column in zip(names, manifest.columns, strict=True)
        ]
    return {"fields": fields, "missingValues": [_missing(manifest)]}


def arrow_schema(manifest: Manifest) -> dict[str, Any]:
    """The Arrow schema as an IPC message in base64, and in words; a column's id, privacy class and mask are metadata of its
    field. It is that of the Parquet files."""
    schema = arrow_schema_of(manifest)
    return {
        "ipc_base64": base64.b64encode(schema.serialize().to_pybytes()).decode(),
        "fields": {field.name: str(field.type) for field in schema},
    }


def arrow_schema_of(manifest: Manifest) -> pa.Schema:
    """The types that columns have in Arrow; numbers without a declared scale, and JSON, are their exact texts."""
    return pa.schema(
        pa.field(column.name, arrow_type(column.kind, column.scale), metadata=_metadata(column))
        for column in manifest.columns
    )


READER_SCHEMAS: Mapping[str, Callable[[Manifest], dict[str, Any]]] = {
    "json-schema": json_schema,
    "frictionless": table_schema,
    "arrow": arrow_schema,
}


def path_of(column: ManifestColumn) -> tuple[str, ...]:
    """The place of a column in an object."""
    return column.path or tuple(column.id.split("."))  # of a manifest of earlier releases


def _metadata(column: ManifestColumn) -> dict[str, str]:
    metadata = {"id": column.id, "pii": str(column.pii)}
    return {**metadata, "mask": str(column.mask)} if column.mask else metadata


def _described(column: ManifestColumn) -> dict[str, str]:
    """In words: what a schema's own words do not say of a column."""
    remarks = ["JSON"] if column.kind is Kind.JSON else []
    remarks += [f"{column.scale} digits after the point"] if column.scale is not None else []
    remarks += [f"pii {column.pii}"] if column.pii != "none" else []
    remarks += [str(column.mask)] if column.mask else []
    return {"description": ", ".join(remarks)} if remarks else {}


def _cell(column: ManifestColumn, manifest: Manifest) -> dict[str, Any]:
    field = FRICTIONLESS[column.kind]
    if manifest.format == "xlsx" and column.kind in IN_CELLS:
        field = {"type": field["type"]}
    return {**(ANY if _may_be_text(column, manifest) else field), **_described(column)}


def _may_be_text(column: ManifestColumn, manifest: Manifest) -> bool:
    """Whether a sheet may hold a number or a time of the column as text, which the manifest counts of columns that are not
    personal."""
    if column.name in manifest.as_text or column.id in manifest.as_text:
        return True
    return manifest.format == "xlsx" and column.kind in AS_TEXT and column.pii is not PiiClass.NONE


def _key(column: ManifestColumn) -> dict[str, Any]:
    return {**(ANY if column.kind is Kind.JSON else FRICTIONLESS[column.kind]), **_described(column)}


def _missing(manifest: Manifest) -> str:
    """How null is written in cells."""
    if manifest.options.get("escape") == "backslash":
        return "\\N"
    return str(manifest.options.get("null_marker") or "")
