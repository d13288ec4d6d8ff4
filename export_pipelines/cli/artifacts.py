"""`artifacts` and `verify`: what came out, and whether it is still whole."""

from typing import TYPE_CHECKING, Annotated

import typer

from export_pipelines.cli.context import project_of, say, show
from export_pipelines.cli.delivered import require_known
from export_pipelines.cli.errors import FAILED
from export_pipelines.cli.plans import Json
from export_pipelines.cli.tables import Columns, show_json, show_listing
from export_pipelines.listings import artifact_listing
from export_pipelines.quantities import counted, size

if TYPE_CHECKING:
    from export_pipelines.artifacts import Manifest


def artifacts(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Only those of this export.")] = None,
    json: Json = False,
) -> None:
    """The artifacts in the store, newest first."""
    project = project_of(context)
    listing = project.store.listing(name)
    if name is not None and not listing.manifests and not listing.damaged:
        require_known(project, name)
    empty = "no artifacts yet; export-pipelines run makes one"
    damaged = [{"artifact": artifact, "damaged": error.what} for artifact, error in listing.damaged.items()]
    show_listing(listing.manifests, COLUMNS, artifact_listing, json=json, empty=empty, more=damaged)
    if not json:
        for item in damaged:
            say(f"damaged: {item['artifact']}: {item['damaged']}")


def verify(
    context: typer.Context,
    artifact: Annotated[str, typer.Argument(help="As `artifacts` names it.", show_default=False)],
    json: Json = False,
) -> None:
    """Read every part of an artifact again and name what was changed, cut, swapped, lost or added."""
    from export_pipelines.artifacts import verify as faults_of

    store = project_of(context).store
    faults = faults_of(store, artifact)
    if json:
        show_json({"artifact": artifact, "whole": not faults, "faults": faults})
    elif not faults:
        manifest = store.manifest(artifact)
        show(
            f"{artifact}: whole, {counted(len(manifest.parts), 'part')}, {counted(manifest.rows, 'row')}, "
            f"{size(manifest.bytes)}"
        )
    if faults:
        for fault in faults:
            say(f"error: {artifact}/{fault}")
        raise typer.Exit(FAILED)


COLUMNS: "Columns[Manifest]" = {
    "artifact": lambda manifest: manifest.artifact,
    "created (UTC)": lambda manifest: f"{manifest.created_at:%Y-%m-%d %H:%M:%S}",
    "rows": lambda manifest: manifest.rows,
    "size": lambda manifest: size(manifest.bytes),
    "parts": lambda manifest: len(manifest.parts),
    "format": lambda manifest: manifest.format + (f" {manifest.codec}" if manifest.codec != "none" else ""),
    "schema": lambda manifest: (
        f"v{manifest.schema_version}" + (" (changed)" if manifest.schema_changed else "")
    ),
}
