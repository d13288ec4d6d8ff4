"""`version`."""

from importlib.metadata import version as installed

from export_pipelines.cli.context import show


def version() -> None:
    """The version of this program."""
    show(f"export-pipelines {installed('export-pipelines')}")
