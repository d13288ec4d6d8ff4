"""`fields`: the catalog as a table."""

from operator import itemgetter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from export_pipelines.cli.context import project_of, say
from export_pipelines.cli.plans import Json
from export_pipelines.cli.tables import Columns, counted, show_listing

if TYPE_CHECKING:
    from export_pipelines.catalog import Catalog, Dataset, Field

NEVER = "never exported"
OPEN = "open"  # people type anything into it, so it needs a word where an export hides personal data


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
        show_listing(rows, {key: itemgetter(key) for key in rows[0]}, dict, json=json)
        return
    chosen = [catalog.dataset(dataset)] if dataset else list(catalog.datasets)
    tables = [chosen] if json else [[source] for source in chosen]
    for table in tables:
        pairs = [(source, field) for source in table for field in source.fields]
        show_listing(pairs, COLUMNS, lambda row: _as_dict(*row), json=json)
        if not json:
            say(f"{counted(len(pairs), 'field')} of {table[0].name}; a component is named like email.domain")


def _metrics(catalog: "Catalog") -> list[dict[str, str]]:
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


def _dimensions(catalog: "Catalog") -> list[dict[str, str]]:
    from export_pipelines.catalog.dimensions import dimensions_of
    from export_pipelines.definition.report import DRAWN_FROM

    return [
        {"dimension": id, "label": dimension.label, "type": dimension.type, "over": over}
        for over, dataset in DRAWN_FROM.items()
        for id, dimension in dimensions_of(catalog.dataset(dataset)).items()
    ]


_OF_REPORTS = {"metrics": _metrics, "dimensions": _dimensions}


COLUMNS: "Columns[tuple[Dataset, Field]]" = {
    "field": lambda row: row[1].id,
    "type": lambda row: _type(row[1]),
    "privacy": lambda row: _privacy(row[1]),
    "group": lambda row: row[1].group,
    "components": lambda row: " ".join(part.name for part in row[1].components),
    "remains when hidden": lambda row: _remaining(row[1], masked=False),
    "remains beside a mask": lambda row: _remaining(row[1], masked=True),
}


def _type(field: "Field") -> str:
    return str(field.kind) if field.type == str(field.kind) else f"{field.type} ({field.kind})"


def _privacy(field: "Field") -> str:
    words = [str(field.pii), OPEN if field.is_open else "", "" if field.semantic_type.exportable else NEVER]
    return ", ".join(filter(None, words))


def _remaining(field: "Field", masked: bool) -> str:
    parts = (part.name for part in field.components if field.semantic_type.may_stand(part.name, masked))
    return " ".join(parts)


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
