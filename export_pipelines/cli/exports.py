"""`list`, `check` and `schema`: the definitions in `exports/`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from export_pipelines.cli.asking import asking
from export_pipelines.cli.context import project_of, say, show
from export_pipelines.cli.errors import WRONG_REQUEST
from export_pipelines.cli.tables import Columns, Json, show_json, show_listing
from export_pipelines.errors import DefinitionError, RequestError, unknown
from export_pipelines.listings import definition_listing
from export_pipelines.quantities import counted

if TYPE_CHECKING:
    from export_pipelines.definition import ExportDefinition

    Listed = tuple[str, ExportDefinition | DefinitionError]

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="Exports; all of them when none is named.")
]
Connect = Annotated[
    bool,
    typer.Option("--connect", help="Connect to the source, the artifact store and every destination too."),
]


def list_exports(context: typer.Context, json: Json = False) -> None:
    """The exports there are: what, when, where to."""
    loaded = project_of(context).loaded
    exports: list[Listed] = [
        *((definition.name, definition) for definition in loaded.all),
        *loaded.broken.items(),
    ]
    empty = "no exports yet; write one into exports/"
    show_listing(
        sorted(exports, key=lambda pair: pair[0]),
        COLUMNS,
        lambda pair: definition_listing(*pair),
        json=json,
        empty=empty,
    )
    if loaded.broken and not json:
        say(f"{counted(len(loaded.broken), 'definition')} broken; export-pipelines check names every fault")


def check(context: typer.Context, names: Names = None, connect: Connect = False, json: Json = False) -> None:
    """Everything that can be known to be wrong before a run; exit code 2 when something is."""
    from export_pipelines.check import check_all

    project = project_of(context)
    faults = check_all(
        project.settings,
        project.catalog,
        project.loaded,
        names,
        connect,
        project.new_token(),
        project.now,
        project.environment,
    )
    errors = [fault for fault in faults if fault.severity == "error"]
    if json:
        show_json([fault._asdict() for fault in faults])
    else:
        for fault in faults:
            show(f"{fault.severity}: {fault.text}")
        if not errors:
            warnings = sum(fault.severity == "warning" for fault in faults)
            result = counted(warnings, "warning") if warnings else "nothing is wrong"
            say(f"{counted(len(names or project.loaded.all), 'export')} checked, {result}")
    if errors:
        say(f"{counted(len(errors), 'fault')} in {counted(len({error.name for error in errors}), 'export')}")
        raise typer.Exit(WRONG_REQUEST)


def schema(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            help="A stream: the schema of its records. An artifact: that of its rows.", show_default=False
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="FORM|NAME",
            help="Of an artifact: json-schema, frictionless or arrow. Of a stream: who asks, by access.yaml.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """The JSON Schema of an export's YAML, for editors that complete and check it; with the name of a stream, that of its
    records, for who reads them; with an artifact as `artifacts` names it, or `<export>/<window>`, the schema of its rows."""
    if name is None:
        from export_pipelines.definition import definition_schema

        show_json(definition_schema())
    elif "/" in name:
        show_json(_reader_schema(context, name, form))
    else:
        from export_pipelines.project_streams import record_schema_of

        show_json(record_schema_of(asking(context, form), name))


def _reader_schema(context: typer.Context, artifact: str, form: str | None) -> dict[str, Any]:
    from export_pipelines.frames.reader_schemas import READER_SCHEMAS

    chosen = form or "json-schema"
    if chosen not in READER_SCHEMAS:
        raise RequestError(unknown("form of schema", chosen, READER_SCHEMAS), where="schema --as")
    return READER_SCHEMAS[chosen](project_of(context).manifest(artifact))


def _of(cell: "Callable[[ExportDefinition], str]") -> "Callable[[Listed], str]":
    """A cell that is empty for a broken definition."""
    return lambda export: "" if isinstance(export[1], DefinitionError) else cell(export[1])


def _places(definition: "ExportDefinition") -> list[str]:
    return [definition.stream.kind] if definition.stream else [to.kind for to in definition.deliver]


def _format(definition: "ExportDefinition") -> str:
    return definition.format.name + (
        f" {definition.compression.codec}" if definition.compression.codec != "none" else ""
    )


COLUMNS: "Columns[Listed]" = {
    "name": lambda export: export[0],
    "type": _of(lambda definition: definition.type),
    "format": _of(_format),
    "partition": _of(lambda definition: definition.partition or ""),
    "schedule (UTC)": _of(
        lambda definition: "stream" if definition.stream else definition.schedule or "by hand"
    ),
    "delivers to": _of(lambda definition: ", ".join(dict.fromkeys(_places(definition)))),
    "description": lambda export: (
        f"broken: {_first(export[1])}" if isinstance(export[1], DefinitionError) else export[1].description
    ),
}


def _first(error: DefinitionError) -> str:
    more = len(error.faults) - 1
    return error.faults[0] + (f" (and {more} more)" if more else "")
