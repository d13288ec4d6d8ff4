"""The terminal's door: `export-pipelines`. The commands live beside it; each is imported when it is asked for, and what is
slow later still."""

import atexit
import gc
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from export_pipelines import logs
from export_pipelines.cli import errors
from export_pipelines.errors import ExportError
from export_pipelines.files.private import close_umask
from export_pipelines.interrupts import hear
from export_pipelines.project import Project
from export_pipelines.run.memory import share_heap
from export_pipelines.telemetry import trace_as_asked

LOOK, RUN, LEADS = "Look and check", "Run", "Leads to export"
COMMANDS: Mapping[
    str, tuple[str, str, str]
] = {  # its panel of --help, the module beside this one, the function there
    "init": (RUN, "project", "init"),
    "ui": (RUN, "project", "ui"),
    "serve": (RUN, "serve", "serve"),
    "demo": (RUN, "demo", "demo"),
    "run": (RUN, "runs", "run"),
    "backfill": (RUN, "runs", "backfill"),
    "stream": (RUN, "stream", "stream"),
    "artifacts": (RUN, "artifacts", "artifacts_group"),
    "verify": (RUN, "artifacts", "verify"),
    "recipe": (RUN, "recipe", "recipe"),
    "deliveries": (RUN, "deliveries", "deliveries"),
    "deliver": (RUN, "deliveries", "deliver"),
    "sweep": (RUN, "sweep", "sweep"),
    "erase": (RUN, "erase", "erase"),
    "hold": (RUN, "hold", "hold"),
    "evidence": (RUN, "evidence", "evidence"),
    "detokenize": (RUN, "detokenize", "detokenize"),
    "audit": (RUN, "audit", "audit"),
    "master-key": (RUN, "master_key", "master_key"),
    "list": (LOOK, "exports", "list_exports"),
    "fields": (LOOK, "fields", "fields"),
    "status": (LOOK, "status", "status"),
    "check": (LOOK, "exports", "check"),
    "plan": (LOOK, "plans", "plan"),
    "preview": (LOOK, "plans", "preview"),
    "diagnose": (LOOK, "diagnose", "diagnose"),
    "schema": (LOOK, "exports", "schema"),
    "access": (LOOK, "access", "access"),
    "version": (LOOK, "version", "version"),
    "sample": (LEADS, "leads", "sample"),
    "import": (LEADS, "leads", "imports"),
}


class _Built(Mapping[str, Any]):
    """The commands by name. One is imported and built when it is asked for: all of them would take a tenth of `list`."""

    def __getitem__(self, name: str) -> Any:
        panel, module, function = COMMANDS[name]
        command = getattr(import_module(f"export_pipelines.cli.{module}"), function)
        alone = typer.Typer()
        if isinstance(command, typer.Typer):
            alone.add_typer(command, name=name, rich_help_panel=panel)
        else:
            alone.command(name, rich_help_panel=panel)(command)
        return typer.main.get_group(alone).commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


def clock() -> datetime:
    """Now, in UTC: the one place at which time enters through this door."""
    return datetime.now(UTC)


class _Commands(TyperGroup):
    """The commands, with every error as one clear text on stderr and its exit code."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Built()  # type: ignore[assignment]  # typer only reads it

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, TyperException):
            raise
        except ExportError as error:
            raise typer.Exit(errors.tell(errors.recorded(error, ctx))) from None
        except KeyboardInterrupt:
            raise typer.Exit(errors.tell_interrupted()) from None
        except BrokenPipeError:
            raise typer.Exit(errors.close_broken_pipe()) from None
        except Exception as error:
            if errors.tell_disk(error, ctx.obj.settings.home):
                raise typer.Exit(errors.FAILED) from None
            raise typer.Exit(errors.tell_unexpected(error, ctx.params.get("debug", False))) from None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Exports of leads: an export is a YAML file in exports/, Dagster runs it.",
    epilog="Exit codes: 0 done, 1 the export failed, 2 a person has to mend something.",
)


@app.callback()
def open_door(
    context: typer.Context,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")
    ] = False,
) -> None:
    from export_pipelines.settings import project_root  # with Pydantic, which by then looks for no plugins

    logs.log_as_asked(os.environ)
    trace_as_asked(os.environ)
    context.obj = Project.open(project_root(os.environ), os.environ, clock)


NEW_OBJECTS = 10_000  # before Python looks for garbage among them


def main() -> None:
    """The console script."""
    _start_quickly()
    close_umask()
    share_heap()
    hear()
    app(prog_name="export-pipelines")


def _start_quickly() -> None:
    """Leaves out what costs a short command most, and nobody asked for: looking for garbage among what the libraries
    have just made, which all stays (a seventh of a run), and once more when the process ends (a fifth); Pydantic's
    plugins, for which it looks through all that is installed."""
    gc.set_threshold(NEW_OBJECTS)
    atexit.register(gc.freeze)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


if __name__ == "__main__":
    main()
