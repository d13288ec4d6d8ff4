"""The terminal's door: `export-pipelines`. Wires the commands; they live beside it and import what is slow late."""

import atexit
import gc
import os
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from export_pipelines import logs
from export_pipelines.cli import (
    artifacts,
    audit,
    deliveries,
    demo,
    detokenize,
    errors,
    exports,
    fields,
    leads,
    plans,
    project,
    runs,
    sweep,
)
from export_pipelines.cli.context import show
from export_pipelines.errors import ExportError
from export_pipelines.files.private import close_umask
from export_pipelines.interrupts import hear
from export_pipelines.project import Project
from export_pipelines.settings import project_root


def clock() -> datetime:
    """Now, in UTC: the one place at which time enters through this door."""
    return datetime.now(UTC)


class _Commands(TyperGroup):
    """The commands, with every error as one clear text on stderr and its exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, TyperException):
            raise
        except ExportError as error:
            raise typer.Exit(errors.tell(error)) from None
        except KeyboardInterrupt:
            raise typer.Exit(errors.tell_interrupted()) from None
        except BrokenPipeError:
            raise typer.Exit(errors.close_broken_pipe()) from None
        except Exception as error:
            if errors.tell_full_disk(error, ctx.obj.settings.home):
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
    logs.log_as_asked(os.environ)
    context.obj = Project.open(project_root(os.environ), os.environ, clock)


def version() -> None:
    """The version of this program."""
    from importlib.metadata import version as installed

    show(f"export-pipelines {installed('export-pipelines')}")


NEW_OBJECTS = 10_000  # before Python looks for garbage among them
LOOK, RUN, LEADS = "Look and check", "Run", "Leads to export"

app.command("init", rich_help_panel=RUN)(project.init)
app.command("ui", rich_help_panel=RUN)(project.ui)
app.command("demo", rich_help_panel=RUN)(demo.demo)
app.command("run", rich_help_panel=RUN)(runs.run)
app.command("backfill", rich_help_panel=RUN)(runs.backfill)
app.command("artifacts", rich_help_panel=RUN)(artifacts.artifacts)
app.command("verify", rich_help_panel=RUN)(artifacts.verify)
app.command("deliveries", rich_help_panel=RUN)(deliveries.deliveries)
app.command("deliver", rich_help_panel=RUN)(deliveries.deliver)
app.command("sweep", rich_help_panel=RUN)(sweep.sweep)
app.command("detokenize", rich_help_panel=RUN)(detokenize.detokenize)
app.command("audit", rich_help_panel=RUN)(audit.audit)
app.command("list", rich_help_panel=LOOK)(exports.list_exports)
app.command("fields", rich_help_panel=LOOK)(fields.fields)
app.command("check", rich_help_panel=LOOK)(exports.check)
app.command("plan", rich_help_panel=LOOK)(plans.plan)
app.command("preview", rich_help_panel=LOOK)(plans.preview)
app.command("schema", rich_help_panel=LOOK)(exports.schema)
app.command("version", rich_help_panel=LOOK)(version)

_sample = typer.Typer(no_args_is_help=True, help="Make up something to export: sample leads.")
_sample.command("leads")(leads.sample_leads)
_import = typer.Typer(no_args_is_help=True, help="Bring your own: import leads FILE.csv.")
_import.command("leads")(leads.import_leads)
app.add_typer(_sample, name="sample", rich_help_panel=LEADS)
app.add_typer(_import, name="import", rich_help_panel=LEADS)


def main() -> None:
    """The console script."""
    _start_quickly()
    close_umask()
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
