"""`fields`: the catalog as a table."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from export_pipelines.terminal.door import door_of, say
from export_pipelines.terminal.plans import Json
from export_pipelines.terminal.tables import counted, show_json, show_table

if TYPE_CHECKING:
    from export_pipelines.catalog import Catalog, Dataset, Field

NEVER = "never exported"


def fields(
    context: typer.Context,
    dataset: Annotated[
        str | None, typer.Argument(help="leads, reports; metrics or dimensions of reports.")
    ] = None,
    json: Json = False,
) -> None:
    """The fields that an export may name, with their types, privacy class and components."""
    catalog = door_of(context).catalog
    if dataset in _OF_REPORTS:
        rows = _OF_REPORTS[dataset](catalog)
        if json:
            show_json(rows)
        else:
            show_table(tuple(rows[0]), [tuple(row.values()) for row in rows])
        return
    chosen = [catalog.dataset(dataset)] if dataset else list(catalog.datasets)
    if json:
        show_json([_as_dict(one, field) for one in chosen for field in one.fields])
        return
    for one in chosen:
        show_table(
            ("field", "type", "privacy", "group", "components", "remains when masked"), map(_row, one.fields)
        )
        say(f"{counted(len(one.fields), 'field')} of {one.name}; a component is named like email.domain")


def _metrics(catalog: "Catalog") -> list[dict[str, str]]:
    from export_pipelines.catalog.metrics import METRICS, metrics_over

    leads = metrics_over("leads")
    return [
        {
            "metric": id,
            "label": one.label,
            "unit": str(one.unit),
            "over": "events, leads" if id in leads else "events",
        }
        for id, one in METRICS.items()
    ]


def _dimensions(catalog: "Catalog") -> list[dict[str, str]]:
    from export_pipelines.catalog.dimensions import dimensions_of
    from export_pipelines.definition.report import DRAWN_FROM

    return [
        {"dimension": id, "label": one.label, "type": one.type, "over": over}
        for over, dataset in DRAWN_FROM.items()
        for id, one in dimensions_of(catalog.dataset(dataset)).items()
    ]


_OF_REPORTS = {"metrics": _metrics, "dimensions": _dimensions}


def _row(field: "Field") -> tuple[str, ...]:
    remains = [part.name for part in field.components if part.remains]
    return (
        field.id,
        str(field.kind) if field.type == str(field.kind) else f"{field.type} ({field.kind})",
        str(field.pii) + ("" if field.semantic_type.exportable else f", {NEVER}"),
        field.group,
        " ".join(part.name for part in field.components),
        " ".join(remains),
    )


def _as_dict(dataset: "Dataset", field: "Field") -> dict[str, Any]:
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
        "description": field.description,
        "components": [
            {"id": part.id, "kind": str(part.kind), "remains_when_masked": part.remains}
            for part in field.components
        ],
    }
