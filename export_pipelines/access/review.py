"""What people read of a policy: why an export is allowed or not, and what each principal may."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from export_pipelines.access.grant import Grant, grants_of
from export_pipelines.access.policy import EXPORT_TYPES, PERMISSIONS, Destinations, Policy
from export_pipelines.catalog import Dataset
from export_pipelines.definition import ExportDefinition
from export_pipelines.errors import Denied


class Line(NamedTuple):
    """`verdict` is yes, no or less; `where` the line of access.yaml or of the export."""

    verdict: str
    text: str
    where: str = ""


class Beyond(Protocol):
    """What an export asks for beyond a grant; plan.rights finds it."""

    @property
    def key(self) -> tuple[str | int, ...]: ...
    @property
    def text(self) -> str: ...
    @property
    def refuses(self) -> bool: ...


def explained(
    policy: Policy, grant: Grant, definition: ExportDefinition, findings: Sequence[Beyond], is_owner: bool
) -> Iterator[Line]:
    """One role held against one export. Of an owner whatever is less is refused."""
    role = grant.roles[0]
    permissions = policy.at("roles", role, "permissions")
    lost = "no" if is_owner else "less"
    refused = (
        any(finding.refuses for finding in findings)
        or (bool(findings) and is_owner)
        or "create" not in grant.permissions
    )
    verdict = "no" if refused else "less" if findings else "yes"
    as_what = ", the owner" if is_owner else ""
    yield Line(
        verdict, f"{grant.principals[0]} as {role}{as_what}: {definition.name}", policy.at("roles", role)
    )
    for permission in PERMISSIONS:
        yield Line(
            "yes" if permission in grant.permissions else "no", f"  permission {permission}", permissions
        )
    for finding in findings:
        yield Line("no" if finding.refuses else lost, f"  {finding.text}", definition.at(*finding.key))
    if not findings:
        yield Line("yes", "  all flows, columns, rows and destinations that the export asks for")


class Use(Protocol):
    """An entry of the audit."""

    @property
    def actor(self) -> str: ...
    @property
    def owner(self) -> str | None: ...
    @property
    def action(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def outcome(self) -> str | None: ...
    @property
    def detail(self) -> Mapping[str, Any]: ...


@dataclass
class Usage:
    """What a principal did, by export: `exported` and `downloaded` count artifacts and rows; `used` holds the permissions,
    types and kinds of destinations that were used."""

    exported: Counter[str] = field(default_factory=Counter)
    downloaded: Counter[str] = field(default_factory=Counter)
    rows: Counter[tuple[str, str]] = field(default_factory=Counter)
    denied: int = 0
    used: set[str] = field(default_factory=set)

    def add(self, entry: Use) -> None:
        export = entry.subject.partition("/")[0]
        if entry.outcome == "denied":
            self.denied += 1
        if entry.outcome != "done":
            return
        self.used |= {f"permission {PERMISSION_OF.get(entry.action, 'admin')}"}
        if entry.action == "run":
            self.exported[export] += 1
            self.rows["run", export] += entry.detail.get("rows", 0)
            self.used.add(f"type {entry.detail.get('type')}")
        if entry.action == "download":
            self.downloaded[export] += 1
            self.rows["download", export] += entry.detail.get("rows", 0)
        if entry.action in ("deliver", "download"):
            self.used.add(f"destination {entry.detail.get('kind')}")

    def dates_of(self, action: str) -> list[str]:
        """`daily_leads: 3 artifacts, 1,204 rows`."""
        counts = self.exported if action == "run" else self.downloaded
        return [
            f"{export}: {count} artifact{'' if count == 1 else 's'}, {self.rows[action, export]:,} rows"
            for export, count in sorted(counts.items())
        ]


PERMISSION_OF = {
    "plan": "view",
    "preview": "create",
    "run": "create",
    "deliver": "create",
    "download": "download",
}
NO_RIGHT = ("key use", "right changed", "definition changed")  # entries that no permission is needed for


def usage_of(policy: Policy, entries: Iterable[Use]) -> dict[str, Usage]:
    """By principal: whoever asked, where access.yaml knows them, else the owner of the export, as for a schedule's runs."""
    usages: dict[str, Usage] = {}
    for entry in entries:
        name = entry.actor if policy.knows(entry.actor) or not entry.owner else entry.owner
        if entry.action not in NO_RIGHT:
            usages.setdefault(name, Usage()).add(entry)
    return usages


def reviewed(
    policy: Policy,
    name: str,
    leads: Dataset,
    exports: Iterable[str],
    keys: Iterable[str],
    usage: Usage,
    at: datetime,
) -> dict[str, Any]:
    """One principal's row of the review. `leads` is the dataset whose personal fields are told, `usage` what the principal
    did in 90 days."""
    try:
        grants = grants_of(policy, name, at)
    except Denied:
        grants = ()
    permissions = {permission for grant in grants for permission in grant.permissions}
    principal = policy.principals.get(name)
    return {
        "principal": name,
        "roles": [
            role if source == name else f"{role} by {source}" for role, source in policy.sources_of(name, at)
        ],
        "expires": principal.expires.isoformat() if principal and principal.expires else None,
        "permissions": [text for text in PERMISSIONS if text in permissions],
        "flows": sorted({flow for grant in grants for flow in _flows(grant)}),
        "personal_fields_in_clear": sorted({id for grant in grants for id in _clear(grant, leads)}),
        "exports_owned": list(exports),
        "keys": list(keys),
        "exported": usage.dates_of("run"),
        "downloaded": usage.dates_of("download"),
        "denied": usage.denied,
        "never_used": [right for right in _rights(grants) if right not in usage.used],
    }


def _rights(grants: Sequence[Grant]) -> Iterator[str]:
    """What the grants name: permissions, types where some are left out, kinds of destinations."""
    for permission in PERMISSIONS:
        if any(permission in grant.permissions for grant in grants):
            yield f"permission {permission}"
    for type in EXPORT_TYPES:
        if any(type in grant.types and len(grant.types) < len(EXPORT_TYPES) for grant in grants):
            yield f"type {type}"
    places = [place.model_dump() for grant in grants for place in grant.destinations]
    for kind in Destinations.model_fields:
        if any(some[kind] for some in places):
            yield f"destination {kind}"


def _flows(grant: Grant) -> Iterator[str]:
    if not grant.flows:
        yield "all"
    for some in grant.flows:
        yield from some


def _clear(grant: Grant, leads: Dataset) -> Iterator[str]:
    for lead_field in leads.fields:
        seen = grant.treatment(lead_field, leads) == "keep"
        if seen and lead_field.is_personal and lead_field.semantic_type.exportable:
            yield lead_field.id
