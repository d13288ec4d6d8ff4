"""`erase`: artifacts that must be gone."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer

from export_pipelines.cli.context import project_of, say, show
from export_pipelines.cli.errors import FAILED
from export_pipelines.cli.plans import Json
from export_pipelines.cli.tables import Columns, show_json, show_listing
from export_pipelines.errors import RequestError
from export_pipelines.quantities import counted
from export_pipelines.system_user import system_user

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from export_pipelines.artifacts import Manifest
    from export_pipelines.erasure import Erasure
    from export_pipelines.project import Project


def erase(
    context: typer.Context,
    artifacts: Annotated[
        list[str] | None, typer.Argument(help="As `artifacts` names them.", show_default=False)
    ] = None,
    lead: Annotated[
        str | None, typer.Option("--lead", metavar="ID", help="Every artifact that holds this lead.")
    ] = None,
    before: Annotated[
        str | None, typer.Option("--before", metavar="DATE", help="Every artifact made before this day, UTC.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be erased.")] = False,
    record: Annotated[
        bool, typer.Option("--record", help="Print the deletion record of an erased artifact.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Destroy the data keys of artifacts, then their delivered copies where a destination lets us, Dagster's record of their
    runs, and their files. A sealed artifact opens nowhere any more, in no copy. The audit says who did it."""
    project = project_of(context)
    if record:
        _show_records(project, artifacts or [], json)
        return
    chosen, without_index, why = _chosen(project, artifacts or [], lead, before)
    if dry_run:
        show_listing(
            chosen, _columns(project), lambda manifest: manifest.artifact, json=json, empty="nothing to erase"
        )
    elif chosen:
        _erase(project, chosen, why, yes)
    else:
        say("nothing to erase")
    for manifest in without_index:
        say(
            f"error: {manifest.artifact}: it has no index of leads, so nobody knows whether it holds this lead"
        )
    if without_index:
        raise typer.Exit(FAILED)


def _chosen(
    project: "Project", artifacts: Sequence[str], lead: str | None, before: str | None
) -> "tuple[Sequence[Manifest], Sequence[Manifest], dict[str, Any]]":
    """What is to be erased, the oldest first, what cannot be told, and why it is erased."""
    if (bool(artifacts) + (lead is not None) + (before is not None)) != 1:
        raise RequestError("name artifacts, or --lead ID, or --before DATE: one of them", where="erase")
    store = project.store
    if artifacts:
        return [store.manifest(artifact) for artifact in dict.fromkeys(artifacts)], (), {"why": "artifact"}
    if before is not None:
        from export_pipelines.plan.window import moment_named

        day = moment_named(before)
        old = [manifest for manifest in store.manifests() if manifest.created_at < day]
        return old[::-1], (), {"why": f"made before {day:%Y-%m-%d}"}
    from export_pipelines.lead_search import lead_mark, search
    from export_pipelines.legal_hold import as_subject

    mark = lead_mark(store, str(lead))
    matches = search(store, mark)
    return matches.holding[::-1], matches.without_index, {"why": "lead", "lead": as_subject(mark)}


def _erase(project: "Project", chosen: "Sequence[Manifest]", why: dict[str, Any], yes: bool) -> None:
    from export_pipelines.erasure import Eraser

    eraser = Eraser(project.store, project.ledger, system_user(), project.now, project.resources)
    eraser.require_free(chosen, why)
    names = ", ".join(manifest.artifact for manifest in chosen)
    if not yes and not typer.confirm(f"Erase {names}? It cannot be undone", err=True):
        raise RequestError("nothing was erased", remedy="answer y, or say --yes")
    with ExitStack() as stack:
        eraser = eraser.forgetting(_forgetting(project, stack))
        erasures = [_erased(eraser.erase(manifest.artifact, why)) for manifest in chosen]
    if project.settings.audit_key.held:
        from export_pipelines.ledger.audit_chain import sign_checkpoint
        from export_pipelines.ledger.checkpoint import Signer

        signer = Signer(project.settings.audit_key.active("audit"))
        sign_checkpoint(project.ledger.engine, signer, project.now())
    if not all(erasure.is_complete for erasure in erasures):
        raise typer.Exit(FAILED)


def _forgetting(project: "Project", stack: ExitStack) -> Callable[[str], None]:
    """Erases Dagster's record of a run; its instance is opened at the first one."""

    @cache
    def instance() -> "DagsterInstance":
        from export_pipelines.orchestration import open_instance

        return stack.enter_context(open_instance(project.settings, project.root, project.environment))

    def forget(run: str) -> None:
        from export_pipelines.orchestration import forget_run

        forget_run(instance(), run)

    return forget


def _erased(erasure: "Erasure") -> "Erasure":
    show(f"{erasure.artifact}: erased" + (", its key is destroyed" if erasure.sealed else ""))
    for copy in erasure.copies:
        place = copy.delivery.receipt.target if copy.delivery.receipt else copy.delivery.target
        if copy.removal.removed:
            say(f"{counted(len(copy.removal.removed), 'delivered file')} removed at {place}")
        for reason in sorted(set(copy.removal.left.values())):
            say(f"a delivered copy is left at {place}: {reason}")
    if erasure.run_left:
        say(f"error: Dagster's record of its run is left: {erasure.run_left}")
    return erasure


def _show_records(project: "Project", artifacts: Sequence[str], json: bool) -> None:
    from export_pipelines.erasure_record import erasure_record

    if not artifacts:
        raise RequestError("name an artifact that was erased", where="erase --record")
    records = [erasure_record(project.ledger, artifact) for artifact in artifacts]
    if json:
        show_json([record.as_dict() for record in records])
        return
    show("\n\n".join("\n".join(record.lines()) for record in records))


def _columns(project: "Project") -> "Columns[Manifest]":
    from export_pipelines.legal_hold import HeldArtifacts, described

    held = HeldArtifacts.of(project.ledger, project.store)

    def hold(manifest: "Manifest") -> str:
        found = held.hold_on(manifest)
        return described(found) if found else ""

    return {
        "would be erased": lambda manifest: manifest.artifact,
        "made (UTC)": lambda manifest: f"{manifest.created_at:%Y-%m-%d %H:%M:%S}",
        "rows": lambda manifest: manifest.rows,
        "on hold": hold,
    }
