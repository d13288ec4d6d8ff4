"""What listings show as JSON, at the terminal and over HTTP: exports, fields, artifacts and deliveries."""

from typing import TYPE_CHECKING, Any

from export_pipelines.errors import DefinitionError

if TYPE_CHECKING:
    from export_pipelines.artifacts import Manifest
    from export_pipelines.artifacts.contract import Comparison
    from export_pipelines.catalog import Catalog, Dataset, Field
    from export_pipelines.definition import ExportDefinition
    from export_pipelines.ledger import Delivery, Ledger
    from export_pipelines.plan import Plan


def definition_listing(name: str, definition: "ExportDefinition | DefinitionError") -> dict[str, Any]:
    """An export, or the faults of one that is broken."""
    if isinstance(definition, DefinitionError):
        return {"name": name, "faults": list(definition.faults)}
    return {
        "name": definition.name,
        "path": str(definition.path),
        "description": definition.description,
        "owner": definition.owner,
        "type": definition.type,
        "format": definition.format.name,
        "compression": definition.compression.codec,
        "partition": definition.partition,
        "schedule": definition.schedule,
        "contract": definition.contract,
        "version": definition.version,
        "for": list(definition.readers),
        "recipes": list(definition.recipes),
        "stream": definition.stream.kind if definition.stream else None,
        "deliver": [to.kind for to in definition.deliver],
        "faults": [],
    }


def contract_listing(plan: "Plan", comparison: "Comparison") -> dict[str, Any]:
    """What a plan's columns may change for readers, the artifact that they were compared with, and what would break."""
    return {
        "allows": plan.contract,
        "version": plan.version,
        "before": comparison.before,
        "none_because": comparison.why or None,
        "breaking": list(comparison.changes.breaking),
    }


def field_listing(dataset: "Dataset", field: "Field") -> dict[str, Any]:
    """A field of a dataset, with its components."""
    return {
        "dataset": dataset.name,
        "id": field.id,
        "label": field.label,
        "type": field.type,
        "kind": str(field.kind),
        "pii": str(field.pii),
        "group": field.group,
        "required": field.required,
        "exportable": field.semantic_type.exportable,
        "open": field.is_open,
        "description": field.description,
        "components": [
            {
                "id": part.id,
                "kind": str(part.kind),
                "remains_when_hidden": field.semantic_type.may_stand(part.name, False),
                "remains_when_masked": field.semantic_type.may_stand(part.name, True),
            }
            for part in field.components
        ],
    }


def metric_listings() -> list[dict[str, str]]:
    """What reports measure."""
    from export_pipelines.catalog.metrics import METRICS, metrics_over

    leads = metrics_over("leads")
    return [
        {
            "metric": id,
            "label": metric.label,
            "unit": str(metric.unit),
            "over": "events, leads" if id in leads else "events",
        }
        for id, metric in METRICS.items()
    ]


def dimension_listings(catalog: "Catalog") -> list[dict[str, str]]:
    """What reports group by."""
    from export_pipelines.catalog.dimensions import dimensions_of
    from export_pipelines.definition.report import DRAWN_FROM

    return [
        {"dimension": id, "label": dimension.label, "type": dimension.type, "over": over}
        for over, dataset in DRAWN_FROM.items()
        for id, dimension in dimensions_of(catalog.dataset(dataset)).items()
    ]


def artifact_listing(manifest: "Manifest") -> dict[str, Any]:
    """An artifact, with its files."""
    return {
        "artifact": manifest.artifact,
        "export": manifest.export,
        "window": manifest.window.model_dump(mode="json"),
        "created_at": manifest.created_at.isoformat(),
        "rows": manifest.rows,
        "bytes": manifest.bytes,
        "raw_bytes": manifest.raw_bytes,
        "format": manifest.format,
        "codec": manifest.codec,
        "schema_version": manifest.schema_version,
        "changes": manifest.changes.model_dump(mode="json") if manifest.changes else None,
        "version": manifest.version,
        "recipes": list(manifest.recipes),
        "parts": [
            part.model_dump(mode="json", include={"name", "rows", "bytes", "sha256"})
            for part in manifest.parts
        ],
        "damaged": None,
    }


def delivery_listing(ledger: "Ledger", delivery: "Delivery") -> dict[str, Any]:
    """A delivery, with its receipt and attempts."""
    return {
        "id": delivery.id,
        "artifact": delivery.artifact,
        "to": delivery.number,
        "kind": delivery.kind,
        "target": delivery.target,
        "state": delivery.state,
        "bytes": delivery.bytes,
        "error": delivery.error,
        "next_at": delivery.next_at.isoformat() if delivery.next_at else None,
        "receipt": delivery.receipt.model_dump(mode="json") if delivery.receipt else None,
        "attempts": [
            {
                name: value.isoformat() if hasattr(value, "isoformat") else value
                for name, value in tried.items()
            }
            for tried in ledger.attempts(delivery.id)
        ],
    }
