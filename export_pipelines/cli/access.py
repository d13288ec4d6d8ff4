"""`access`: why something is allowed or not, who may what, the API keys, and the end of sessions."""

import csv
import secrets
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from export_pipelines.cli.asking import As, administering
from export_pipelines.cli.audit import Since, moment
from export_pipelines.cli.context import say, show
from export_pipelines.cli.plans import Name
from export_pipelines.cli.tables import Columns, Json, show_json, show_listing, show_table
from export_pipelines.errors import RequestError

if TYPE_CHECKING:
    from export_pipelines.access import Policy
    from export_pipelines.ledger import ApiKey, ApiKeys
    from export_pipelines.project import Project

REVIEWED = timedelta(days=90)
Principal = Annotated[str, typer.Argument(metavar="NAME", help="By access.yaml.", show_default=False)]
KeyId = Annotated[str, typer.Argument(metavar="KEY", help="As `access key list` names it.")]

access = typer.Typer(no_args_is_help=True, help="Who may export what, by access.yaml.")
key = typer.Typer(no_args_is_help=True, help="API keys: new, list, rotate, revoke.")
access.add_typer(key, name="key")


@access.command("explain")
def explain(context: typer.Context, name: Principal, export: Name, json: Json = False) -> None:
    """Why NAME may or may not have an export, line by line, for each of the roles."""
    from export_pipelines.access import grants_of
    from export_pipelines.access.review import explained
    from export_pipelines.plan.window import scheduled_window

    project, policy = _guarded(context)
    definition = project.definition(export)
    request = project.bare_request(definition, scheduled_window(definition, project.now()))
    from export_pipelines.plan.rights import findings

    lines = [
        line
        for grant in grants_of(policy, name, project.now())
        for line in explained(policy, grant, definition, findings(request, grant), name == definition.owner)
    ]
    if json:
        show_json([line._asdict() for line in lines])
        return
    for line in lines:
        show(f"{line.verdict:5}{line.text}" + (f" ({line.where})" if line.where else ""))


@access.command("review")
def review(
    context: typer.Context,
    json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV on stdout.")] = False,
    since: Since = None,
    asker: As = None,
) -> None:
    """For each principal: roles, permissions, flows, what is seen in clear, exports, keys, what was exported and downloaded in
    90 days, and rights never used; with --since also what changed in access.yaml."""
    from export_pipelines.access.review import Usage, reviewed, usage_of
    from export_pipelines.ledger import ApiKeys, AuditLog

    project, policy = _administered(context, asker)
    now, start = project.now(), moment(since)
    usage = usage_of(policy, AuditLog(project.ledger.engine).entries(since=now - REVIEWED))
    rows = [
        reviewed(
            policy,
            name,
            project.catalog.dataset("leads"),
            [definition.name for definition in project.loaded.all if definition.owner == name],
            [_row_of(api_key, now) for api_key in ApiKeys(project.ledger.engine).all(name)],
            usage.get(name, Usage()),
            now,
        )
        for name in policy.names()
    ]
    if start is not None:
        rows = _with_changes(project, policy, rows, start)
    if json:
        show_json(rows)
        return
    headers = list(rows[0])
    if as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(headers)
        writer.writerows([_cell(row[name]) for name in headers] for row in rows)
        return
    show_table(rows, {name.replace("_", " "): partial(_cell_of, name) for name in headers})


def _with_changes(
    project: "Project", policy: "Policy", rows: list[dict[str, Any]], since: datetime
) -> list[dict[str, Any]]:
    """The rows with what changed for each principal, and a row for each who is not there any more."""
    from export_pipelines.access.rights_changes import GONE, changes, snapshot
    from export_pipelines.ledger import AuditAction, AuditLog
    from export_pipelines.project import ACCESS_FILE

    log = AuditLog(project.ledger.engine)
    seen = log.last(AuditAction.RIGHT_CHANGED, ACCESS_FILE, since)
    if seen is None:
        seen = log.first(AuditAction.RIGHT_CHANGED, ACCESS_FILE)
        if seen:
            say(f"the audit knows {ACCESS_FILE} since {seen.at:%Y-%m-%d %H:%M:%S}")
    changed = changes(seen.detail if seen else GONE, snapshot(policy))
    known = {row["principal"] for row in rows}
    gone = [dict.fromkeys(rows[0]) | {"principal": name} for name in changed if name not in known]
    return [row | {"changed": changed.get(row["principal"], [])} for row in (*rows, *gone)]


@access.command("sign-out")
def sign_out(context: typer.Context, name: Principal, asker: As = None) -> None:
    """End all sessions of NAME on the page, in every browser. Sessions that a key started end with the key too."""
    from export_pipelines.ledger import AuditAction, AuditRecord, Sessions

    project = _keeper_of_keys(context, asker)
    ended = Sessions(project.ledger.engine).end_all(name)
    project.trail.record(
        AuditRecord(project.actor, AuditAction.SIGNED_OUT, "page", detail={"principal": name, "ended": ended})
    )
    say(f"sessions of {name} that were ended: {ended}")


@key.command("new")
def new(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]", help="By access.yaml; without it, the operator's.", show_default=False
        ),
    ] = None,
    expires: Annotated[str, typer.Option(metavar="DAYS", help="How long it is good for.")] = "90d",
    asker: As = None,
) -> None:
    """Make a key for NAME. It is printed this once; the ledger keeps its SHA-256. Without access.yaml it is the operator's,
    who may do everything."""
    from export_pipelines.access.keys import RANDOM_BYTES, days_in, id_of

    project, name = _owner_of_key(context, name, asker)
    lifetime = days_in(expires)
    key = _keys(project).new(name, lifetime, project.now(), secrets.token_bytes(RANDOM_BYTES))
    _note_change(project, id_of(key), "made", principal=name)
    show(key)
    say(f"of {name}, until {project.now() + lifetime:%Y-%m-%d}; it is not shown again")


@key.command("list")
def list_keys(context: typer.Context, json: Json = False, asker: As = None) -> None:
    """Every key: whose, since when, until when, last used when."""
    project = _keeper_of_keys(context, asker)
    keys = _keys(project).all()
    now = project.now()
    columns: Columns[ApiKey] = {
        "key": lambda api_key: api_key.id,
        "principal": lambda api_key: api_key.principal,
        "state": lambda api_key: api_key.state(now),
        "made": lambda api_key: _day(api_key.created_at),
        "until": lambda api_key: _day(api_key.expires_at),
        "last used": lambda api_key: _day(api_key.last_used_at),
    }
    show_listing(
        keys,
        columns,
        lambda api_key: vars(api_key) | {"state": api_key.state(now)},
        json=json,
        empty="no keys",
    )


@key.command("revoke")
def revoke(context: typer.Context, id: KeyId, asker: As = None) -> None:
    """End a key now."""
    project = _keeper_of_keys(context, asker)
    _keys(project).revoke(id, project.now())
    _note_change(project, id, "revoked")
    say(f"the key {id} is revoked")


@key.command("rotate")
def rotate(
    context: typer.Context,
    id: KeyId,
    overlap: Annotated[
        str, typer.Option(metavar="DAYS", help="How long the old key stays good beside the new one.")
    ] = "7d",
    asker: As = None,
) -> None:
    """Make another key for the same principal; the old one ends after the overlap."""
    from export_pipelines.access.keys import RANDOM_BYTES, days_in, id_of

    project = _keeper_of_keys(context, asker)
    random = secrets.token_bytes(RANDOM_BYTES)
    key = _keys(project).rotate(id, days_in(overlap), project.now(), random)
    _note_change(project, id, "rotated", new=id_of(key))
    show(key)
    say(f"the key {id} ends in {overlap}; the new one is not shown again")


def _guarded(context: typer.Context) -> "tuple[Project, Policy]":
    from export_pipelines.cli.context import project_of

    project = project_of(context)
    policy = project.policy()
    if policy is None:
        raise RequestError(
            "there is no access.yaml: one operator may do everything",
            where=str(project.settings.access),
            remedy="docs/access.md has one to begin with",
        )
    return project, policy


def _administered(context: typer.Context, asker: str | None) -> "tuple[Project, Policy]":
    """Raises Denied for whoever asks without the permission admin."""
    _, policy = _guarded(context)
    return administering(context, asker), policy


def _note_change(project: "Project", id: str, change: str, **facts: str) -> None:
    from export_pipelines.ledger import AuditAction, AuditRecord

    detail = {"change": change, **facts}
    project.trail.record(AuditRecord(project.actor, AuditAction.KEY_CHANGED, f"API key {id}", detail=detail))


def _keeper_of_keys(context: typer.Context, asker: str | None) -> "Project":
    """The project, of whose keys an admin decides, or without access.yaml the operator."""
    from export_pipelines.cli.context import project_of

    project = project_of(context)
    return _administered(context, asker)[0] if project.access.read() else project


def _owner_of_key(context: typer.Context, name: str | None, asker: str | None) -> "tuple[Project, str]":
    """The project, and whose the new key is. Raises RequestError for a name that access.yaml does not know."""
    from export_pipelines.ledger.api_keys import OPERATOR

    project = _keeper_of_keys(context, asker)
    policy = project.access.read()
    if policy is None:
        if name not in (None, OPERATOR):
            _guarded(context)
        return project, OPERATOR
    if name is None:
        raise RequestError("whose key is it?", remedy=f"name a principal that {policy.file} knows")
    policy.require_known(name)
    return project, name


def _keys(project: "Project") -> "ApiKeys":
    from export_pipelines.ledger import ApiKeys

    return ApiKeys(project.ledger.engine)


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "never"


def _row_of(api_key: "ApiKey", now: datetime) -> str:
    age = (now - api_key.created_at).days
    return f"{api_key.id} {api_key.state(now)}, {age} days old, last used {_day(api_key.last_used_at)}"


def _cell_of(name: str, row: Mapping[str, Any]) -> str:
    return _cell(row[name])


def _cell(value: Any) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
