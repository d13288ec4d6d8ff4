"""`sweep`: what the store no longer has to keep."""

from typing import Annotated

import typer

from export_pipelines.cli.context import project_of, say
from export_pipelines.cli.errors import FAILED
from export_pipelines.cli.tables import Json, show_listing


def sweep(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    json: Json = False,
) -> None:
    """Remove artifacts whose `retention` is over, what killed runs left, and replication slots that keep more than their streams
    allow. Dagster does it every night."""
    from export_pipelines.erasure import retention
    from export_pipelines.kept_slots import slots_to_drop, sweep_slots

    project = project_of(context)
    opened = (project.loaded.definitions, project.store, project.ledger, project.now())
    if dry_run:
        header, swept = "would be removed", retention.to_be_swept(*opened)
        names = [*swept.removed, *slots_to_drop(project)]
    else:
        header, swept = "removed", retention.sweep(*opened, project.settings.home)
        names = [*swept.removed, *sweep_slots(project)]
    show_listing(names, {header: str}, str, json=json, empty="nothing to remove")
    for text in swept.warnings():
        say(f"warning: {text}")
    for text in swept.errors():
        say(f"error: {text}")
    if swept.failures:
        raise typer.Exit(FAILED)
