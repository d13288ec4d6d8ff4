"""Metadata of one materialization: numbers as numbers, so that the UI plots them; columns, preview, receipts, manifest."""

from pathlib import Path
from typing import Any

import dagster as dg

from export_pipelines.artifacts import MANIFEST_NAME, Manifest
from export_pipelines.delivery import Receipt
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.edges import Done
from export_pipelines.orchestration.lineage import column_lineage


def materialization_metadata(done: Done, location: CodeLocation, is_newest: bool = True) -> dict[str, Any]:
    """Everything about one window; `done` must have an artifact. Of the windows of a run, the newest alone has their columns and
    where these come from, which is what Dagster shows of an asset: for many windows it would be most of what is stored of them,
    and the manifest of each has its columns."""
    manifest = done.manifest
    if manifest is None:
        raise ValueError("only an artifact has metadata")
    place = f"{location.project.store.location(manifest.artifact).rstrip('/')}/{MANIFEST_NAME}"  # a path, or a URL
    return {
        **numbers(manifest, done.written.seconds),
        "dagster/uri": place if "://" in place else Path(place).as_uri(),
        "dagster/row_count": manifest.rows,
        "dagster/partition_row_count": manifest.rows,
        **(_columns(manifest, location) if is_newest else {}),
        "window": str(manifest.window),
        **({"changes": manifest.changes.text} if manifest.changes else {}),
        "artifact": manifest.artifact,
        "manifest": dg.MetadataValue.path(place),
        "preview": dg.MetadataValue.md(done.written.preview),
        "destinations": dg.MetadataValue.md(_destinations(done.receipts)),
    }


def numbers(manifest: Manifest, seconds: float) -> dict[str, int | float]:
    """`seconds` is wall time; the stages overlap, so theirs add up to more."""
    stages = {f"seconds_{stage}": round(spent, 3) for stage, spent in manifest.seconds.items()}
    return {
        "rows": manifest.rows,
        "bytes": manifest.bytes,
        "raw_bytes": manifest.raw_bytes,
        "parts": len(manifest.parts),
        "masked_values": manifest.masked_values,
        "bad_json_values": sum(manifest.bad_json.values()),
        "values_like_null": sum(manifest.like_null.values()),
        "values_as_text": sum(manifest.as_text.values()),
        "schema_version": manifest.schema_version,
        **_changes(manifest),
        "seconds": seconds,
        "rows_per_second": round(manifest.rows / seconds) if seconds else 0,
        **stages,
    }


def _changes(manifest: Manifest) -> dict[str, int]:
    changes = manifest.changes
    if changes is None:
        return {}
    rows = {"added": changes.added, "changed": changes.changed, "removed": changes.removed}
    return {f"rows_{name}": number for name, number in rows.items()} | {"rows_of_set": changes.set_rows}


def _columns(manifest: Manifest, location: CodeLocation) -> dict[str, Any]:
    lineage = column_lineage(manifest, location)
    return {
        "dagster/column_schema": column_schema(manifest),
        **({"dagster/column_lineage": lineage} if lineage else {}),
    }


def column_schema(manifest: Manifest) -> dg.TableSchema:
    columns = []
    for column in manifest.columns:
        kind = f"{column.kind}({column.scale})" if column.scale is not None else str(column.kind)
        remarks = [f"pii {column.pii}"] if column.pii != "none" else []
        remarks += [str(column.mask)] if column.mask else []
        tags = {"pii": str(column.pii)} if column.pii != "none" else {}
        tags |= {"mask": str(column.mask)} if column.mask else {}
        columns.append(dg.TableColumn(column.name, kind, description=", ".join(remarks) or None, tags=tags))
    return dg.TableSchema(columns=columns)


def _destinations(receipts: tuple[Receipt, ...]) -> str:
    if not receipts:
        return "none but the artifact store"
    return "\n".join(
        f"- {receipt.kind} `{receipt.target}`: {len(receipt.files)} files, {receipt.bytes:,} bytes, {receipt.at:%Y-%m-%dT%H:%M:%SZ}"
        for receipt in receipts
    )
