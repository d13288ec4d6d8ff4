"""`fields`: the catalog as a table."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from export_pipelines.cli.context import project_of, say
from export_pipelines.cli.plans import Json
from export_pipelines.cli.tables import counted, show_json, show_table

if TYPE_CHECKING:
    from export_pipelines.catalog import Catalog, Dataset, Field

NEVER = "never exported"
OPEN = "open"  # people type anything into it, so it needs a word where an export hides personal data
HEADERS = ("field", "type", "privacy", "group", "components", "remains when hidden", "remains beside a mask")


def fields(
    context: typer.Context,
    dataset: Annotated[
        str | None, typer.Argument(help="leads, reports; metrics or dimensions of reports.")
    ] = None,
    json: Json = False,
) -> None:
    """The fields that an export may name, with their types, privacy class and components."""
    catalog = project_of(context).catalog
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
        show_table(HEADERS, map(_row, one.fields))
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
    hidden, masked = (
        " ".join(part.name for part in field.components if field.semantic_type.may_stand(part.name, mask))
        for mask in (False, True)
    )
    privacy = [str(field.pii), OPEN if field.is_open else "", "" if field.semantic_type.exportable else NEVER]
    return (
        field.id,
        str(field.kind) if field.type == str(field.kind) else f"{field.type} ({field.kind})",
        ", ".join(filter(None, privacy)),
        field.group,
        " ".join(part.name for part in field.components),
        hidden,
        masked,
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
