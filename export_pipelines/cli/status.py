"""`status`: how the whole of it is, for people and for programs that watch it."""

from typing import Any

import typer

from export_pipelines.cli.asking import As, asking
from export_pipelines.cli.context import show
from export_pipelines.cli.diagnose import MARKS
from export_pipelines.cli.errors import FAILED
from export_pipelines.cli.runs import instance_of
from export_pipelines.cli.tables import Json, show_json


def status(context: typer.Context, asker: As = None, json: Json = False) -> None:
    """Daemon, queue, runs, streams, deliveries, disks, keys and audit; exit code 1 when something needs attention."""
    from export_pipelines.status import status_of

    project = asking(context, asker)
    project.require("view", context.command_path)
    parts = status_of(project, lambda: instance_of(project))
    attention = [part.name for part in parts if part.needs_attention]
    if json:
        shown: dict[str, Any] = {"ok": not attention, "at": project.now().isoformat(), "attention": attention}
        show_json(shown | {"parts": {part.name: part.as_dict() for part in parts}})
    else:
        width = max(len(part.name) for part in parts)
        for part in parts:
            for finding in part.findings:
                show(f"{part.name:<{width}}  {MARKS[finding.tone]:<7}  {finding.text}")
                if finding.then and finding.tone != "good":
                    show(f"{'':<{width + 11}}{finding.then}")
    if attention:
        raise typer.Exit(FAILED)
