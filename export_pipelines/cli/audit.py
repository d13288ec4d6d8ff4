"""`audit`: who did what, whether the record of it still holds, and the record for others."""

import csv
import json as json_text
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from export_pipelines.cli.asking import As, administering
from export_pipelines.cli.context import project_of, say, show
from export_pipelines.cli.errors import FAILED
from export_pipelines.cli.tables import Columns, Json, show_listing
from export_pipelines.errors import RequestError, unknown
from export_pipelines.quantities import counted

if TYPE_CHECKING:
    from export_pipelines.ledger import AuditAction, AuditEntry
    from export_pipelines.ledger.checkpoint import Signer
    from export_pipelines.project import Project

COLUMNS = ("id", "at", "actor", "owner", "action", "subject", "outcome", "detail", "hash")
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="2024-01-15 or 2024-01-15T09:30:00Z.", show_default=False),
]
Action = Annotated[
    str | None, typer.Option("--action", help="Only entries for this action.", show_default=False)
]

audit = typer.Typer(help="Who did what, and whether the record of it still holds.")


@audit.callback(invoke_without_command=True)
def entries(
    context: typer.Context,
    since: Since = None,
    action: Action = None,
    json: Json = False,
    asker: As = None,
) -> None:
    """Who did what to which thing, and how it ended; the oldest entry first."""
    if context.invoked_subcommand is not None:
        return
    columns: Columns[AuditEntry] = {
        "no": lambda entry: entry.id,
        "when (UTC)": lambda entry: f"{entry.at:%Y-%m-%d %H:%M:%S}",
        "who": lambda entry: entry.actor,
        "as owner": lambda entry: entry.owner,
        "action": lambda entry: entry.action,
        "what": lambda entry: entry.subject,
        "outcome": lambda entry: entry.outcome or entry.detail.get("outcome"),
        "details": lambda entry: _brief(entry.detail),
    }
    entries = list(_entries(administering(context, asker), since, action))
    show_listing(entries, columns, _as_dict, json=json, empty="the audit has no such entries")


@audit.command()
def export(
    context: typer.Context,
    since: Since = None,
    action: Action = None,
    format: Annotated[
        Literal["csv", "ndjson"], typer.Option("--format", help="What is written to stdout.")
    ] = "csv",
    asker: As = None,
) -> None:
    """The entries for other programs, as a stream in constant memory: CSV, or a line of JSON for each."""
    entries = _entries(administering(context, asker), since, action)
    if format == "ndjson":
        for entry in entries:
            sys.stdout.write(json_text.dumps(_as_dict(entry), ensure_ascii=False) + "\n")
        return
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    for entry in entries:
        row = _as_dict(entry)
        row["detail"] = json_text.dumps(entry.detail, sort_keys=True, separators=(",", ":"))
        writer.writerow([row[name] for name in COLUMNS])


@audit.command()
def checkpoint(context: typer.Context) -> None:
    """Sign the audit as it stands, with the key AUDIT_KEY, and send the checkpoint to the places that alerts.yaml names.
    Keep what is printed elsewhere: it shows an audit that was written anew."""
    from export_pipelines.audit.checkpoints import send_checkpoint, sign

    project = project_of(context)
    note = sign(project.ledger, project.settings, project.now())
    show(note.rstrip("\n"))
    for place in send_checkpoint(note, project.resources, project.now()):
        say(f"sent to {place}")


@audit.command("public-key")
def public_key(context: typer.Context) -> None:
    """The public key of AUDIT_KEY, as openssl reads it."""
    from export_pipelines.ledger.checkpoint import public_pem

    show(public_pem(_signers(project_of(context))[-1].public).rstrip("\n"))


@audit.command()
def verify(
    context: typer.Context,
    checkpoints: Annotated[
        list[Path] | None,
        typer.Option(
            "--checkpoint",
            metavar="FILE",
            help="A checkpoint that was kept elsewhere; may be repeated.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Prove the chain of the audit, and hold it against checkpoints: those that the ledger keeps, and those given."""
    from export_pipelines.ledger.checkpoint import open_note
    from export_pipelines.ledger.verify_audit import kept_notes, verify_chain

    project = project_of(context)
    engine, notes = project.ledger.engine, [_note(path) for path in checkpoints or ()]
    signed = []
    if notes or project.settings.audit_key.local:
        keys = [signer.public for signer in _signers(project)]
        signed = [open_note(note, *keys) for note in (*notes, *kept_notes(engine))]
    state = verify_chain(engine, signed)
    for fault in state.faults:
        say(f"error: {fault}")
    if state.faults:
        raise typer.Exit(FAILED)
    show(f"{state.size:,} entries, one chain; {counted(len(signed), 'checkpoint')} borne out")


def _entries(project: "Project", since: str | None, action: str | None) -> "Iterator[AuditEntry]":
    """Raises RequestError at once for what is no time or no action."""
    from export_pipelines.ledger import AuditLog

    return AuditLog(project.ledger.engine).entries(_action(action), moment(since))


def _action(text: str | None) -> "AuditAction | None":
    from export_pipelines.ledger import AuditAction

    words = [str(action) for action in AuditAction]
    if text is not None and text not in words:
        raise RequestError(unknown("action", text, words))
    return AuditAction(text) if text else None


def moment(text: str | None) -> datetime | None:
    """The moment that --since names. Raises WindowError."""
    from export_pipelines.plan.window import moment_named

    return moment_named(text) if text else None


def _as_dict(entry: "AuditEntry") -> dict[str, Any]:
    return asdict(entry) | {"at": entry.at.isoformat()}


def _brief(detail: Any) -> str:
    """What fits on a line; digests are shortened, and snapshots left to --json."""
    words = {key: value for key, value in detail.items() if value is not None and not isinstance(value, dict)}
    return " ".join(f"{key}={_word(value)}" for key, value in words.items())


def _word(value: Any) -> str:
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{text[:12]}..." if len(text) == 64 else text


def _signers(project: "Project") -> "list[Signer]":
    """One for each version of AUDIT_KEY that is held, the active one last. Raises SettingsError where none is."""
    from export_pipelines.ledger.checkpoint import Signer

    active = project.settings.audit_key.active("audit")
    others = [version for version in project.settings.audit_key.local if version is not active]
    return [Signer(version) for version in (*others, active)]


def _note(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise RequestError(
            "the checkpoint cannot be read", where=str(path), remedy="name a text file"
        ) from None
