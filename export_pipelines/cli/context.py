"""What every command is handed, the project, and where it speaks: data goes to stdout, everything said about it to stderr."""

import logging
import sys

import typer

from export_pipelines import logs
from export_pipelines.project import Project

log = logging.getLogger(__name__)


def project_of(context: typer.Context) -> Project:
    project = context.obj
    assert isinstance(project, Project)  # the callback in app.py made it
    return project


def show(text: str) -> None:
    """Data, to stdout."""
    typer.echo(text)


def say(text: str) -> None:
    """A message, to stderr; where machines read there, a record."""
    if logs.are_json():
        log.info(text)
    else:
        typer.echo(text, err=True)


def on_terminal() -> bool:
    return sys.stderr.isatty() and not logs.are_json()
