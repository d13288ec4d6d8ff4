"""What people read of a policy: why an export is allowed or not, and what each principal may."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from export_pipelines.access.grant import Grant, grants_of
from export_pipelines.access.policy import PERMISSIONS, Policy
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
    policy: Policy, grant: Grant, definition: ExportDefinition, found: Sequence[Beyond], is_owner: bool
) -> Iterator[Line]:
    """One role held against one export. Of an owner whatever is less is refused."""
    role = grant.roles[0]
    permissions = policy.at("roles", role, "permissions")
    lost = "no" if is_owner else "less"
    refused = (
        any(finding.refuses for finding in found)
        or (bool(found) and is_owner)
        or "create" not in grant.permissions
    )
    verdict = "no" if refused else "less" if found else "yes"
    as_what = ", the owner" if is_owner else ""
    yield Line(
        verdict, f"{grant.principals[0]} as {role}{as_what}: {definition.name}", policy.at("roles", role)
    )
    for permission in PERMISSIONS:
        yield Line(
            "yes" if permission in grant.permissions else "no", f"  permission {permission}", permissions
        )
    for finding in found:
        yield Line("no" if finding.refuses else lost, f"  {finding.text}", definition.at(*finding.key))
    if not found:
        yield Line("yes", "  all flows, columns, rows and destinations that the export asks for")


def reviewed(
    policy: Policy,
    name: str,
    leads: Dataset,
    exports: Iterable[str],
    keys: Iterable[str],
    asked: Mapping[str, int],
    at: datetime,
) -> dict[str, Any]:
    """One principal's row of the review. `leads` is the dataset whose personal fields are told, `asked` how many runs of
    which exports the principal asked for in 90 days."""
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
        "runs_asked_for": [f"{export}: {number}" for export, number in asked.items()],
        "never_used": ["create"] if "create" in permissions and not asked else [],
    }


def _flows(grant: Grant) -> Iterator[str]:
    if not grant.flows:
        yield "all"
    for some in grant.flows:
        yield from some


def _clear(grant: Grant, leads: Dataset) -> Iterator[str]:
    for field in leads.fields:
        if field.is_personal and field.semantic_type.exportable and grant.treatment(field, leads) == "keep":
            yield field.id
