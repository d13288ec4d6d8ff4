"""`fields`: the catalog as a table."""

from operator import itemgetter
from typing import TYPE_CHECKING, Annotated

import typer

from export_pipelines.cli.context import project_of, say
from export_pipelines.cli.tables import Columns, Json, show_listing
from export_pipelines.listings import dimension_listings, field_listing, metric_listings
from export_pipelines.quantities import counted

if TYPE_CHECKING:
    from export_pipelines.catalog import Dataset, Field

NEVER = "never exported"
OPEN = "open"  # people type anything into it, so it needs a word where an export hides personal data


def fields(
    context: typer.Context,
    dataset: Annotated[
        str | None, typer.Argument(help="leads, events, reports; metrics or dimensions of reports.")
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
        show_listing(pairs, COLUMNS, lambda row: field_listing(*row), json=json)
        if not json:
            say(f"{counted(len(pairs), 'field')} of {table[0].name}; a component is named like email.domain")


_OF_REPORTS = {"metrics": lambda _: metric_listings(), "dimensions": dimension_listings}


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
