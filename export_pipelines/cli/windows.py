"""Which window a command means: a partition, a start and an end, or the last complete one."""

from typing import TYPE_CHECKING, Annotated

import typer

from export_pipelines.cli.context import say
from export_pipelines.errors import RequestError
from export_pipelines.project import Project

if TYPE_CHECKING:
    from export_pipelines.definition import ExportDefinition
    from export_pipelines.plan.plan import Window

Partition = Annotated[
    str | None,
    typer.Option("--partition", metavar="KEY", help="2024-01-15; a week's Sunday; a month's first day."),
]
Start = Annotated[
    str | None,
    typer.Option("--start", metavar="TIME", help="First moment, UTC: 2024-01-15 or 2024-01-15T09:30:00Z."),
]
End = Annotated[str | None, typer.Option("--end", metavar="TIME", help="The moment after the last, UTC.")]


def window_asked(
    project: Project,
    definition: "ExportDefinition",
    partition: str | None,
    start: str | None,
    end: str | None,
) -> "Window":
    """The window of the options; without any, the last complete one, which is then told. Raises WindowError for one
    that does not exist or is not complete."""
    from export_pipelines.plan.window import require_complete, scheduled_window, window_between, window_of

    if partition is not None and (start is not None or end is not None):
        raise RequestError("--partition is a window already; give it alone, or --start and --end without it")
    if (start is None) != (end is None):
        raise RequestError(f"--{'end' if end is None else 'start'} is missing; a window needs both")
    if start is not None and end is not None:
        window = window_between(start, end)
    elif partition is not None:
        window = window_of(definition, partition)
    else:
        window = scheduled_window(definition, project.now())
        if definition.partition:
            window = window_of(definition, window.key)
        say(f"window {window.key}: {window}{' (the last complete one)' if definition.partition else ''}")
    require_complete(window, project.now())
    return window
