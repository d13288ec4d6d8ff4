"""`version`."""

from importlib.metadata import version as installed

import typer

from export_pipelines.cli.context import project_of, show


def version(context: typer.Context) -> None:
    """The version of this program, and whether access.yaml says who may do what."""
    show(f"export-pipelines {installed('export-pipelines')}")
    file = project_of(context).settings.access
    show(f"access: {file}" if file.exists() else f"access: no {file.name}, one operator may do everything")
