"""`hold`: what neither `erase` nor retention may remove."""

from typing import TYPE_CHECKING, Annotated

import typer

from export_pipelines.cli.asking import As, administering
from export_pipelines.cli.context import say, show
from export_pipelines.cli.tables import Columns, Json, show_listing
from export_pipelines.errors import RequestError
from export_pipelines.quantities import counted

if TYPE_CHECKING:
    from export_pipelines.ledger import Hold, HoldKind
    from export_pipelines.project import Project


def hold(
    context: typer.Context,
    artifact: Annotated[
        str | None, typer.Argument(help="As `artifacts` names it, in full.", show_default=False)
    ] = None,
    lead: Annotated[
        str | None,
        typer.Option("--lead", metavar="ID", help="Every artifact that holds this lead, also later ones."),
    ] = None,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Kept in the ledger.")
    ] = None,
    release: Annotated[bool, typer.Option("--release", help="Release the holds on it.")] = False,
    list_all: Annotated[bool, typer.Option("--list", help="List what is on hold.")] = False,
    json: Json = False,
    asker: As = None,
) -> None:
    """Keep artifacts from `erase` and from retention, until the hold is released."""
    from export_pipelines.ledger import AuditAction, Holds

    project = administering(context, asker)
    holds = Holds(project.ledger.engine)
    if list_all:
        show_listing(holds.standing(), _columns(), _as_dict, json=json, empty="nothing is on hold")
        return
    kind, subject = _subject(project, artifact, lead)
    if kind == "artifact" and not release:
        project.store.manifest(subject)
    if release:
        count = holds.release(kind, subject, project.actor, project.now())
        if not count:
            raise RequestError("it is not on hold", where=subject, remedy="export-pipelines hold --list")
        detail = {"kind": kind, "holds": count, "change": "released"}
        project.ledger.record(project.actor, AuditAction.HOLD, subject, detail, project.now())
        show(f"{subject}: {counted(count, 'hold')} released")
        return
    if not reason:
        raise RequestError("a hold needs a reason", remedy='--reason "claim 12-345"')
    placed = holds.place(kind, subject, reason, project.actor, project.now())
    detail = {"kind": kind, "hold": placed.id, "change": "placed"}
    project.ledger.record(project.actor, AuditAction.HOLD, subject, detail, project.now())
    show(f"{subject}: on hold")
    if kind == "lead":
        _say_which(project, subject)


def _subject(project: "Project", artifact: str | None, lead: str | None) -> "tuple[HoldKind, str]":
    from export_pipelines.erasure.holds import as_subject
    from export_pipelines.erasure.lead_search import lead_mark

    if (artifact is None) == (lead is None):
        raise RequestError("name an artifact, or a lead with --lead ID", where="hold")
    if lead is not None:
        return "lead", as_subject(lead_mark(project.store, lead))
    return "artifact", str(artifact)


def _say_which(project: "Project", subject: str) -> None:
    from export_pipelines.erasure.lead_search import search

    matches = search(project.store, int(subject, 16))
    say(f"{counted(len(matches.holding), 'artifact')} hold this lead")
    if matches.unknown:
        say(f"{counted(len(matches.unknown), 'artifact')} without an index of leads are on hold with it")


def _columns() -> "Columns[Hold]":
    return {
        "hold": lambda hold: hold.id,
        "on": lambda hold: f"lead {hold.subject}" if hold.kind == "lead" else hold.subject,
        "since (UTC)": lambda hold: f"{hold.placed_at:%Y-%m-%d %H:%M:%S}",
        "by": lambda hold: hold.placed_by,
        "reason": lambda hold: hold.reason,
    }


def _as_dict(hold: "Hold") -> dict[str, object]:
    from dataclasses import asdict

    return asdict(hold) | {"placed_at": hold.placed_at.isoformat()}
