"""`recipe`: how another program loads an artifact."""

from typing import Annotated

import typer

from export_pipelines.cli.artifacts import Artifact
from export_pipelines.cli.asking import As, asking
from export_pipelines.cli.context import show


def recipe(
    context: typer.Context,
    artifact: Artifact,
    reader: Annotated[
        str,
        typer.Option(
            "--for", metavar="NAME", help="postgresql, duckdb, pandas, bigquery, ...; docs/recipes.md."
        ),
    ],
    table: Annotated[
        str | None,
        typer.Option("--table", help="The table to make. Default: the export's name.", show_default=False),
    ] = None,
    asker: As = None,
) -> None:
    """Print the statement that loads an artifact into another program: what would be lost comes first, then a table with types, all
    files with their codec, and a check of rows, nulls and sums. Nothing is run."""
    show(asking(context, asker).recipe(artifact, reader, table).text.rstrip("\n"))
