"""What every command is handed: settings, catalog and definitions of this project, read when first asked for, and the
clock. Data goes to stdout, everything said about it to stderr."""

import logging
import sys
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from export_pipelines import logs
from export_pipelines.errors import unknown

if TYPE_CHECKING:
    from export_pipelines.catalog import Catalog
    from export_pipelines.definition import ExportDefinition, Loaded
    from export_pipelines.definition.given import Given
    from export_pipelines.settings import Settings

log = logging.getLogger(__name__)


@dataclass
class Door:
    """`environment` is the process's own: a run through Dagster adds to it what is not set."""

    environment: MutableMapping[str, str]
    now: Callable[[], datetime]

    @cached_property
    def root(self) -> Path:
        from export_pipelines.settings import project_root

        return project_root(self.environment).absolute()

    @cached_property
    def settings(self) -> "Settings":
        from export_pipelines.files.private import close_home
        from export_pipelines.settings import Settings

        settings = Settings.load(self.environment, self.root)
        close_home(settings.home)
        return settings

    @cached_property
    def catalog(self) -> "Catalog":
        from export_pipelines.catalog import load_catalog

        return load_catalog(self.settings.catalog)

    @cached_property
    def loaded(self) -> "Loaded":
        from export_pipelines.definition import load_definitions
        from export_pipelines.definition.known import read_known

        return load_definitions(self.settings.definitions, self.catalog, read_known(self.settings.home))

    def forget(self) -> None:
        """The next question reads everything again, after a key or a catalog was written."""
        for name in ("settings", "catalog", "loaded"):
            self.__dict__.pop(name, None)

    def definition(self, name: str, given: "Given | None" = None) -> "ExportDefinition":
        """The export, with what is `given` laid over its filter.

        Raises DefinitionError for a broken one, RequestError for one that is not there.
        """
        from export_pipelines.definition import load_definition
        from export_pipelines.errors import RequestError

        if name in self.loaded.broken:
            raise self.loaded.broken[name]
        for one in self.loaded.definitions:
            if name == one.name or name in one.renamed_from:
                file = self.settings.definitions / one.path.name
                return load_definition(file, self.catalog, given) if given else one
        names = [*(one.name for one in self.loaded.definitions), *self.loaded.broken]
        raise RequestError(unknown("export", name, names, "export-pipelines list"))


def door_of(context: typer.Context) -> Door:
    door = context.obj
    assert isinstance(door, Door)  # the callback in cli.py made it
    return door


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
