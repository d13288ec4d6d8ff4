"""`list`, `check` and `schema`: the definitions in `exports/`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from export_pipelines.cli.context import project_of, say, show
from export_pipelines.cli.errors import WRONG_REQUEST
from export_pipelines.cli.plans import Json
from export_pipelines.cli.tables import counted, show_json, show_table

if TYPE_CHECKING:
    from export_pipelines.definition import ExportDefinition
    from export_pipelines.errors import DefinitionError

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="Exports; all of them when none is named.")
]
Connect = Annotated[bool, typer.Option("--connect", help="Ask the source and the artifact store too.")]


def list_exports(context: typer.Context, json: Json = False) -> None:
    """The exports there are: what, when, where to."""
    loaded = project_of(context).loaded
    if json:
        good = [_as_dict(one) for one in loaded.definitions]
        bad = [{"name": name, "faults": list(error.faults)} for name, error in loaded.broken.items()]
        show_json(sorted(good + bad, key=lambda one: one["name"]))
        return
    headers = ("name", "type", "format", "partition", "schedule (UTC)", "delivers to", "description")
    rows = [_row(one) for one in loaded.definitions]
    rows += [(name, "", "", "", "", "", "broken: " + _first(error)) for name, error in loaded.broken.items()]
    show_table(headers, sorted(rows), "no exports yet; write one into exports/")
    if loaded.broken:
        say(f"{counted(len(loaded.broken), 'definition')} broken; export-pipelines check names every fault")


def check(context: typer.Context, names: Names = None, connect: Connect = False, json: Json = False) -> None:
    """Everything that can be known to be wrong before a run; exit code 2 when something is."""
    from export_pipelines.check import check_all

    project = project_of(context)
    faults = check_all(
        project.settings,
        project.catalog,
        names,
        connect,
        project.new_token(),
        project.now,
        project.environment,
    )
    errors = [one for one in faults if one.severity == "error"]
    if json:
        show_json([one._asdict() for one in faults])
    else:
        for one in faults:
            show(f"{one.severity}: {one.text}")
        if not errors:
            say(f"{counted(len(names or project.loaded.definitions), 'export')} checked, nothing is wrong")
    if errors:
        say(f"{counted(len(errors), 'fault')} in {counted(len({one.name for one in errors}), 'export')}")
        raise typer.Exit(WRONG_REQUEST)


def schema(context: typer.Context) -> None:
    """The JSON Schema of an export's YAML, for editors that complete and check it."""
    from export_pipelines.definition import definition_schema

    show_json(definition_schema())


def _row(one: "ExportDefinition") -> tuple[str, ...]:
    return (
        one.name,
        one.type,
        one.format.name + (f" {one.compression.codec}" if one.compression.codec != "none" else ""),
        one.partition or "",
        one.schedule or "by hand",
        ", ".join(dict.fromkeys(to.kind for to in one.deliver)),
        one.description,
    )


def _as_dict(one: "ExportDefinition") -> dict[str, Any]:
    return {
        "name": one.name,
        "path": str(one.path),
        "description": one.description,
        "owner": one.owner,
        "type": one.type,
        "format": one.format.name,
        "compression": one.compression.codec,
        "partition": one.partition,
        "schedule": one.schedule,
        "deliver": [to.kind for to in one.deliver],
        "faults": [],
    }


def _first(error: "DefinitionError") -> str:
    more = len(error.faults) - 1
    return error.faults[0] + (f" (and {more} more)" if more else "")
