"""`erase`: artifacts that must be gone."""

from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer

from export_pipelines.cli.asking import As, administering
from export_pipelines.cli.context import say, show
from export_pipelines.cli.errors import FAILED
from export_pipelines.cli.tables import Columns, Json, show_json, show_listing
from export_pipelines.errors import DamagedArtifact, RequestError
from export_pipelines.quantities import counted

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from export_pipelines.artifacts import Manifest, Store
    from export_pipelines.erasure.erase import Erasure
    from export_pipelines.erasure.holds import Targets
    from export_pipelines.erasure.record import ErasureRecord
    from export_pipelines.ledger import Delivery
    from export_pipelines.project import Project

COPY_UNKNOWN = (
    "its erasure is not complete, so nobody knows whether a copy holds this lead; erase it by its name"
)


def erase(
    context: typer.Context,
    artifacts: Annotated[
        list[str] | None, typer.Argument(help="As `artifacts` names them, in full.", show_default=False)
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
    asker: As = None,
) -> None:
    """Destroy the data keys of artifacts, then their delivered copies where a destination lets us, Dagster's record of their
    runs, and their files. A sealed artifact opens nowhere any more, in no copy. The audit says who did it."""
    project = administering(context, asker)
    if record:
        _show_records(project, artifacts or [], json)
        return
    chosen = _chosen(project, artifacts or [], lead, before)
    if lead is not None and not dry_run:
        project.store.sweep(all_unfinished=True)  # no index tells which leads are in parts of killed runs
    if dry_run:
        _show_chosen(project, chosen, json)
    elif chosen.targets or chosen.again:
        _erase(project, chosen, yes)
    else:
        say("nothing to erase")
    for artifact, reason in chosen.unknown.items():
        say(f"error: {artifact}: {reason}")
    if chosen.unknown:
        raise typer.Exit(FAILED)


@dataclass(frozen=True)
class Chosen:
    """What is to be erased, the oldest first, and why. `again` are erasures for the same reason that are not complete,
    `unknown` artifacts of which nobody can tell, with the reason."""

    targets: "Targets"
    again: "Sequence[ErasureRecord]"
    why: dict[str, Any]
    unknown: Mapping[str, str] = field(default_factory=dict)


def _chosen(project: "Project", artifacts: Sequence[str], lead: str | None, before: str | None) -> Chosen:
    from export_pipelines.erasure.record import unfinished

    if (bool(artifacts) + (lead is not None) + (before is not None)) != 1:
        raise RequestError("name artifacts, or --lead ID, or --before DATE: one of them", where="erase")
    if artifacts:
        records = {record.artifact: record for record in unfinished(project.ledger)}
        targets = _named(project.store, artifacts, records)
        again = [records[artifact] for artifact in dict.fromkeys(artifacts) if artifact not in targets]
        return Chosen(targets, again, {"why": "artifact"})
    listing, unknown = project.store.listing(), dict[str, str]()
    if before is not None:
        from export_pipelines.plan.window import moment_named

        day = moment_named(before)
        why, reason = {"why": f"made before {day:%Y-%m-%d}"}, "when it was made"
        manifests = [manifest for manifest in listing.manifests if manifest.created_at < day]
    else:
        from export_pipelines.erasure.holds import as_subject
        from export_pipelines.erasure.lead_search import lead_mark, search, why_unknown

        mark = lead_mark(project.store, str(lead))
        matches, why = search(project.store, mark), {"why": "lead", "lead": as_subject(mark)}
        reason, manifests = "whether it holds this lead", list(matches.holding)
        for manifest in matches.unknown:
            why_not = why_unknown(manifest, project.store)
            unknown[manifest.artifact] = f"{why_not}, so nobody knows {reason}"
    for artifact in listing.damaged:
        unknown[artifact] = f"its manifest is damaged, so nobody knows {reason}; erase it by its name"
    targets = {manifest.artifact: manifest for manifest in manifests[::-1]}
    begun = [record for record in unfinished(project.ledger) if record.artifact not in targets]
    again = [record for record in begun if record.was_asked_by(why)]
    if lead is not None:
        unknown |= {record.artifact: COPY_UNKNOWN for record in begun if record not in again}
    return Chosen(targets, again, why, unknown)


def _named(store: "Store", artifacts: Sequence[str], erased: Container[str]) -> "dict[str, Manifest | None]":
    """Raises RequestError for one that the store does not know, and of which there is nothing `erased` to go on with."""
    targets = dict[str, "Manifest | None"]()
    for artifact in artifacts:
        try:
            targets[artifact] = store.manifest(artifact)
        except DamagedArtifact:
            targets[artifact] = None
        except RequestError:
            if artifact not in erased:
                raise
    return targets


def _show_chosen(project: "Project", chosen: Chosen, json: bool) -> None:
    columns, rows = _columns(project), list(chosen.targets.items())
    show_listing(rows, columns, lambda target: target[0], json=json, empty="nothing to erase")
    for record in chosen.again:
        say(f"{record.artifact}: was erased; what was not reached would be tried again")


def _erase(project: "Project", chosen: Chosen, yes: bool) -> None:
    from export_pipelines.erasure.erase import WAIT_S, Eraser

    eraser = Eraser(
        project.store,
        project.ledger,
        project.actor,
        project.now,
        project.resources,
        wait_s=WAIT_S,
        waiting=_say_waiting,
    )
    eraser.require_free(chosen.targets, chosen.why)
    names = ", ".join((*chosen.targets, *(record.artifact for record in chosen.again)))
    if not yes and not typer.confirm(f"Erase {names}? It cannot be undone", err=True):
        raise RequestError("nothing was erased", remedy="answer y, or say --yes")
    with ExitStack() as stack:
        eraser = eraser.forgetting(_forgetting(project, stack))
        erasures = [_erased(eraser.erase(artifact, chosen.why)) for artifact in chosen.targets]
        erasures += [_erased(eraser.erase_again(record)) for record in chosen.again]
    if project.settings.audit_key.local:
        from export_pipelines.ledger.checkpoint import Signer
        from export_pipelines.ledger.verify_audit import sign_checkpoint

        signer = Signer(project.settings.audit_key.active("audit"))
        sign_checkpoint(project.ledger.engine, signer, project.now())
    if not all(erasure.is_complete for erasure in erasures):
        say("error: not everything could be reached; the same command tries it again")
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


def _say_waiting(delivery: "Delivery") -> None:
    from export_pipelines.erasure.erase import WAIT_S

    whom = f"another process, which is delivering by {delivery.kind} {delivery.target}".rstrip()
    say(f"{delivery.artifact}: waiting up to {WAIT_S:.0f} s for {whom}")


def _erased(erasure: "Erasure") -> "Erasure":
    show(f"{erasure.artifact}: erased" + (", its key is destroyed" if erasure.sealed else ""))
    for copy in erasure.copies:
        place = " and ".join(copy.places)
        if copy.removal.removed:
            say(f"{counted(len(copy.removal.removed), 'delivered file')} removed at {place}")
        error = "error: " if copy.removal.unreached else ""
        for reason in sorted(set(copy.removal.left.values())):
            say(f"{error}a delivered copy is left at {place}: {reason}")
    if erasure.run_left:
        say(f"error: Dagster's record of its run is left: {erasure.run_left}")
    return erasure


def _show_records(project: "Project", artifacts: Sequence[str], json: bool) -> None:
    from export_pipelines.erasure.record import erasure_record

    if not artifacts:
        raise RequestError("name an artifact that was erased", where="erase --record")
    records = [erasure_record(project.ledger, artifact) for artifact in artifacts]
    if json:
        show_json([record.as_dict() for record in records])
        return
    show("\n\n".join("\n".join(record.lines()) for record in records))


def _columns(project: "Project") -> "Columns[tuple[str, Manifest | None]]":
    from export_pipelines.erasure.holds import HeldArtifacts, described

    held_artifacts = HeldArtifacts.of(project.ledger, project.store)

    def hold(artifact: str, manifest: "Manifest | None") -> str:
        standing = held_artifacts.among({artifact: manifest})
        return described(standing[artifact]) if standing else ""

    return {
        "would be erased": lambda target: target[0],
        "made (UTC)": lambda target: f"{target[1].created_at:%Y-%m-%d %H:%M:%S}" if target[1] else "damaged",
        "rows": lambda target: target[1].rows if target[1] else "",
        "on hold": lambda target: hold(*target),
    }
