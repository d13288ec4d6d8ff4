"""`audit`: who asked for the values behind tokens, and when."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from export_pipelines.cli.context import project_of
from export_pipelines.cli.plans import Json
from export_pipelines.cli.tables import show_json, show_table

if TYPE_CHECKING:
    from export_pipelines.ledger import AuditEntry

UNFINISHED = "unfinished"  # the command was killed, or is still running


def audit(context: typer.Context, json: Json = False) -> None:
    """Who asked for the values behind tokens, when, and how many were given back; the oldest request first."""
    entries = project_of(context).ledger.audit()
    if json:
        show_json([asdict(entry) | {"at": entry.at.isoformat()} for entry in entries])
        return
    ends = {entry.detail["entry"]: entry for entry in entries if "entry" in entry.detail}
    requests = [entry for entry in entries if "entry" not in entry.detail]
    headers = ("when (UTC)", "who", "what", "columns", "tokens", "outcome", "SHA-256")
    show_table(
        headers,
        [_row(entry, ends.get(entry.id)) for entry in requests],
        "nobody has asked for a token's value",
    )


def _row(request: "AuditEntry", end: "AuditEntry | None") -> tuple[Any, ...]:
    asked = request.detail
    return (
        f"{request.at:%Y-%m-%d %H:%M:%S}",
        request.actor,
        request.subject,
        ", ".join(asked.get("columns", [])),
        end.detail["opened"] if end else None,
        end.detail["outcome"] if end else UNFINISHED,
        asked.get("token_sha256") or asked.get("sha256"),
    )
