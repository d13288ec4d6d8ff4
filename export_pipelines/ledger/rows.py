"""Rows of the ledger's tables, as they are made of manifests and entries, and read back."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from export_pipelines.artifacts import Manifest
from export_pipelines.definition.in_plans import StoredEntry
from export_pipelines.delivery import Receipt
from export_pipelines.ledger.delivery import Delivery, content_of, delivery_id
from export_pipelines.ledger.tables import artifacts

EXPORT_OF = sa.select(artifacts.c.export).where(artifacts.c.artifact == sa.bindparam("of"))


def export_of(connection: sa.Connection, artifact: str) -> str:
    return str(connection.scalar(EXPORT_OF, {"of": artifact}))


def artifact_row(manifest: Manifest, run_id: str | None, overridden: bool | None) -> dict[str, Any]:
    return {
        "artifact": manifest.artifact,
        "export": manifest.export,
        "window_key": manifest.window.key,
        "run_id": run_id,
        "created_at": manifest.created_at,
        "rows": manifest.rows,
        "bytes": manifest.bytes,
        "parts": len(manifest.parts),
        "content": content_of(manifest),
        "window_end": manifest.window.end,
        "fingerprint": manifest.fingerprint or None,
        "overridden": overridden,
        "series": manifest.changes and manifest.changes.series,
        "base": manifest.changes and manifest.changes.since,
    }


def delivery_row(
    manifest: Manifest, number: int, lock_key: str, entry: StoredEntry, run_id: str | None, at: datetime
) -> dict[str, Any]:
    return {
        "id": delivery_id(manifest, lock_key),
        "artifact": manifest.artifact,
        "number": number,
        "lock_key": lock_key,
        "kind": entry["kind"],
        "entry": dict(entry),
        "target": "",
        "state": "due",
        "attempts": 0,
        "run_id": run_id,
        "registered_at": at,
    }


def delivery_in(row: sa.RowMapping) -> Delivery:
    receipt = row["receipt"]
    return Delivery(
        **{name: row[name] for name in Delivery.__dataclass_fields__ if name != "receipt"},
        receipt=Receipt.model_validate(receipt) if receipt else None,
    )
