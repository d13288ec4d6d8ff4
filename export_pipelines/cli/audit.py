"""`audit`: who did what, and whether the record of it still holds."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from export_pipelines.cli.context import project_of, say, show
from export_pipelines.cli.errors import FAILED
from export_pipelines.cli.plans import Json
from export_pipelines.cli.tables import Columns, show_listing
from export_pipelines.errors import RequestError
from export_pipelines.quantities import counted

if TYPE_CHECKING:
    from export_pipelines.ledger import AuditEntry
    from export_pipelines.ledger.checkpoint import Signer
    from export_pipelines.project import Project

UNFINISHED = "unfinished"  # the command was killed, or is still running


audit = typer.Typer(help="Who asked for the values behind tokens, and whether the audit still holds.")


@audit.callback(invoke_without_command=True)
def requests(context: typer.Context, json: Json = False) -> None:
    """Who asked for the values behind tokens, when, and how many were given back; the oldest request first."""
    if context.invoked_subcommand is not None:
        return
    entries = project_of(context).ledger.audit()
    ends = {entry.detail["entry"]: entry.detail for entry in entries if "entry" in entry.detail}
    columns: Columns[AuditEntry] = {
        "when (UTC)": lambda entry: f"{entry.at:%Y-%m-%d %H:%M:%S}",
        "who": lambda entry: entry.actor,
        "what": lambda entry: entry.subject,
        "columns": lambda entry: ", ".join(entry.detail.get("columns", [])),
        "tokens": lambda entry: ends.get(entry.id, {}).get("opened"),
        "outcome": lambda entry: ends.get(entry.id, {}).get("outcome", UNFINISHED),
        "SHA-256": lambda entry: entry.detail.get("token_sha256") or entry.detail.get("sha256"),
    }
    shown = entries if json else [entry for entry in entries if "entry" not in entry.detail]
    show_listing(shown, columns, _as_dict, json=json, empty="nobody has asked for a token's value")


def _as_dict(entry: "AuditEntry") -> dict[str, Any]:
    return asdict(entry) | {"at": entry.at.isoformat()}


@audit.command()
def checkpoint(context: typer.Context) -> None:
    """Sign the audit as it stands, with the key AUDIT_KEY. Keep what is printed elsewhere: it shows an audit that was
    written anew."""
    from export_pipelines.ledger.audit_chain import sign_checkpoint

    project = project_of(context)
    show(sign_checkpoint(project.ledger.engine, _signer(project), project.now()).rstrip("\n"))


@audit.command("public-key")
def public_key(context: typer.Context) -> None:
    """The public key of AUDIT_KEY, as openssl reads it."""
    from export_pipelines.ledger.checkpoint import public_pem

    show(public_pem(_signer(project_of(context)).public).rstrip("\n"))


@audit.command()
def verify(
    context: typer.Context,
    checkpoints: Annotated[
        list[Path] | None, typer.Argument(help="Checkpoints that were kept elsewhere.", show_default=False)
    ] = None,
) -> None:
    """Prove the chain of the audit, and hold it against checkpoints: those that the ledger keeps, and those given."""
    from export_pipelines.ledger.audit_chain import kept_notes, verify_chain
    from export_pipelines.ledger.checkpoint import open_note

    project = project_of(context)
    engine, notes = project.ledger.engine, [_note(path) for path in checkpoints or ()]
    signed = []
    if notes or project.settings.audit_key.held:
        key = _signer(project).public
        signed = [open_note(note, key) for note in (*notes, *kept_notes(engine))]
    state = verify_chain(engine, signed)
    for fault in state.faults:
        say(f"error: {fault}")
    if state.faults:
        raise typer.Exit(FAILED)
    show(f"{state.size:,} entries, one chain; {counted(len(signed), 'checkpoint')} borne out")


def _signer(project: "Project") -> "Signer":
    from export_pipelines.ledger.checkpoint import Signer

    return Signer(project.settings.audit_key.active("audit"))


def _note(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise RequestError(
            "the checkpoint cannot be read", where=str(path), remedy="name a text file"
        ) from None
