"""`artifacts` and `verify`: what came out, and whether it is still whole."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from export_pipelines.cli.asking import As, administering
from export_pipelines.cli.context import project_of, say, show
from export_pipelines.cli.delivered import require_known
from export_pipelines.cli.errors import FAILED
from export_pipelines.cli.tables import Columns, Json, show_json, show_listing
from export_pipelines.errors import (
    DamagedArtifact,
    KeyRefused,
    RequestError,
    RetryableError,
    SealedArtifact,
    SettingsError,
)
from export_pipelines.listings import artifact_listing
from export_pipelines.quantities import counted, size

if TYPE_CHECKING:
    from export_pipelines.artifacts import Manifest
    from export_pipelines.artifacts.sealing import SealedStore
    from export_pipelines.project import Project

NEWEST_OF_WINDOW = "EXPORT/WINDOW for the newest of a window."
Artifact = Annotated[
    str, typer.Argument(help=f"As `artifacts` names it, or {NEWEST_OF_WINDOW}", show_default=False)
]


class _ListedByDefault(TyperGroup):
    """`artifacts [NAME]` is `artifacts list [NAME]`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or args[0] not in (*self.commands, "--help", "-h"):
            args = ["list", *args]
        return super().parse_args(ctx, args)


artifacts_group = typer.Typer(
    cls=_ListedByDefault,
    help="The artifacts in the store, newest first: `artifacts [NAME]`; and sealing those that lie there in clear.",
)


@artifacts_group.command("list")
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
    unreadable = _without_key(project, listing.manifests)
    show_listing(
        listing.manifests,
        COLUMNS,
        lambda manifest: artifact_listing(manifest) | {"unreadable": unreadable.get(manifest.artifact)},
        json=json,
        empty=empty,
        more=damaged,
    )
    if not json:
        for artifact, why in unreadable.items():
            say(f"unreadable: {artifact}: {why}")
        for item in damaged:
            say(f"damaged: {item['artifact']}: {item['damaged']}")


@artifacts_group.command("seal")
def seal(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="ARTIFACT...", help=f"As `artifacts` names them, or {NEWEST_OF_WINDOW}"),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every artifact of the store.")] = False,
    asker: As = None,
) -> None:
    """Seal artifacts that lie in the store in clear, in their place: what they hold stays the same. Needs the master key. Each
    gets an index of its leads, as far as their ids can be read back from its files. One that cannot be sealed or opened
    is named, and the others are sealed all the same."""
    from export_pipelines.artifacts import Listing
    from export_pipelines.artifacts.sealing import sealed_store

    project = administering(context, asker)
    if bool(names) == everything:
        raise RequestError("name artifacts, or say --all", where="artifacts seal")
    store = sealed_store(project.store)
    listing = store.listing() if everything else Listing(tuple(map(project.manifest, names or ())), {})
    for damaged in listing.damaged.values():
        say(f"error: {damaged}")
    newly_sealed, before = 0, 0
    for manifest in listing.manifests:
        try:
            with project.trail.refusals(project.asker, "seal", manifest.artifact):
                is_new = _seal(project, store, manifest.artifact)
        except (DamagedArtifact, KeyRefused, RetryableError, SealedArtifact) as error:
            say(f"error: {error}")
        else:
            newly_sealed, before = newly_sealed + is_new, before + (not is_new)
    show(f"{counted(newly_sealed, 'artifact')} sealed, {before:,} were sealed before")
    if newly_sealed + before < len(listing.manifests) + len(listing.damaged):
        raise typer.Exit(FAILED)


def _seal(project: "Project", store: "SealedStore", artifact: str) -> bool:
    """Whether it was not sealed before."""
    from export_pipelines.artifacts.sealing import seal_in_place
    from export_pipelines.frames.lead_index import lacks_index

    with project.ledger.locks.hold(f"seal {artifact}") as ours:
        if not ours:
            raise RetryableError("another process is sealing it right now", where=artifact)
        is_new = seal_in_place(store, artifact)
        if is_new:
            _note_change(project, artifact, "sealed")
            say(f"sealed: {artifact}")
        if lacks_index(store.manifest(artifact), store):
            _add_index(project, store, artifact)
    return is_new


def _add_index(project: "Project", store: "SealedStore", artifact: str) -> None:
    from export_pipelines.frames.lead_index import add_lead_index

    why_not = add_lead_index(store, artifact)
    if why_not:
        say(f"no index of leads: {artifact}: {why_not}; erase --lead cannot look into it")
    else:
        _note_change(project, artifact, "leads indexed")
        say(f"leads indexed: {artifact}")


def _note_change(project: "Project", artifact: str, change: str) -> None:
    from export_pipelines.ledger import AuditAction, AuditRecord

    project.trail.record(
        AuditRecord(project.actor, AuditAction.KEY_CHANGED, artifact, detail={"change": change})
    )


def _without_key(project: "Project", manifests: "Sequence[Manifest]") -> dict[str, str]:
    """Sealed artifacts whose data key is not in the ledger: they do not open, and are not damaged."""
    from export_pipelines.ledger.data_keys import LedgerKeys

    sealed = [manifest.artifact for manifest in manifests if manifest.is_sealed]
    if not sealed:
        return {}
    try:
        names = LedgerKeys(lambda: project.ledger.engine).names()
    except SettingsError as error:
        return dict.fromkeys(sealed, f"data key missing: {error.what}")
    return {name: "data key missing: it is not in this ledger" for name in sealed if name not in names}


def verify(
    context: typer.Context,
    artifact: Artifact,
    json: Json = False,
) -> None:
    """Read every part of an artifact again and name what was changed, cut, swapped, lost or added."""
    project = project_of(context)
    artifact = project.full_name(artifact)
    faults = project.verify(artifact)
    if json:
        show_json({"artifact": artifact, "whole": not faults, "faults": faults})
    elif not faults:
        manifest = project.bare_store.manifest(artifact)
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
