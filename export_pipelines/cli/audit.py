"""`audit`: who asked for the values behind tokens, and when."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from export_pipelines.cli.context import project_of
from export_pipelines.cli.plans import Json
from export_pipelines.cli.tables import Columns, show_listing

if TYPE_CHECKING:
    from export_pipelines.ledger import AuditEntry

UNFINISHED = "unfinished"  # the command was killed, or is still running


def audit(context: typer.Context, json: Json = False) -> None:
    """Who asked for the values behind tokens, when, and how many were given back; the oldest request first."""
    entries = project_of(context).ledger.audit()
    ends = {entry.detail["entry"]: entry.detail for entry in entries if "entry" in entry.detail}
    columns: Columns[AuditEntry] = {
        "when (UTC)": lambda one: f"{one.at:%Y-%m-%d %H:%M:%S}",
        "who": lambda one: one.actor,
        "what": lambda one: one.subject,
        "columns": lambda one: ", ".join(one.detail.get("columns", [])),
        "tokens": lambda one: ends.get(one.id, {}).get("opened"),
        "outcome": lambda one: ends.get(one.id, {}).get("outcome", UNFINISHED),
        "SHA-256": lambda one: one.detail.get("token_sha256") or one.detail.get("sha256"),
    }
    shown = entries if json else [entry for entry in entries if "entry" not in entry.detail]
    show_listing(shown, columns, _as_dict, json=json, empty="nobody has asked for a token's value")


def _as_dict(entry: "AuditEntry") -> dict[str, Any]:
    return asdict(entry) | {"at": entry.at.isoformat()}
