"""Whether a finished artifact may go to a destination by the rights of today, which may be narrower than when it was made."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from export_pipelines.access import TREATMENTS, Grant, Permission, Policy, grants_of
from export_pipelines.artifacts import Manifest, ManifestColumn
from export_pipelines.catalog import Component, Dataset, Kind
from export_pipelines.definition.destinations import DestinationSettings, DownloadSettings
from export_pipelines.errors import Denied, ExportError
from export_pipelines.plan import PlanRequest, compile_plan
from export_pipelines.plan.fingerprint import fingerprint
from export_pipelines.plan.granted import is_clear
from export_pipelines.plan.plan import iso
from export_pipelines.plan.rights import compared, with_rights


def require_deliverable(
    manifest: Manifest,
    settings: DestinationSettings,
    request: PlanRequest,
    policy: Policy | None,
    at: datetime,
    asker: str | None = None,
) -> None:
    """Raises Denied unless the export's owner, and whoever asks, may have all of the artifact delivered there today,
    each in one of their roles. `request` is that of the artifact's window, by today's definition.

    An artifact is within the rights of a role if it holds what the owner's plan of today would give in that role, or if its
    manifest shows that no column, flow, day or row is beyond them, and the definition compares nothing that is hidden.
    """
    if policy is None:
        return
    owner = request.definition.owner
    if owner is None:
        raise Denied(
            f"{policy.file} says who may export what, and this export names no owner", where=manifest.export
        )
    todays_role = _todays_role(manifest, request, policy, at)
    permissions: tuple[Permission, ...] = ("create", "download") if settings.gives_downloads else ("create",)
    for name in filter(None, (owner, asker)):
        role = todays_role if name == owner else None
        _require(manifest, settings, request, policy, at, name, permissions, role)


def require_fetchable(
    manifest: Manifest, request: PlanRequest, policy: Policy, at: datetime, asker: str
) -> None:
    """Raises Denied unless whoever asks may download all of the artifact today, in one of their roles; see
    require_deliverable. What a run would give them today is within their rights."""
    role = _todays_role(manifest, request, policy, at, asker)
    _require(manifest, DownloadSettings(), request, policy, at, asker, ("download",), role)


def _require(
    manifest: Manifest,
    settings: DestinationSettings,
    request: PlanRequest,
    policy: Policy,
    at: datetime,
    name: str,
    permissions: tuple[Permission, ...],
    todays_role: str | None,
) -> None:
    refusals: list[str] = []
    for grant in grants_of(policy, name, at):
        is_todays = grant.roles[0] == todays_role
        beyond = list(_beyond(manifest, settings, request, grant, permissions, is_todays))
        if not beyond:
            return
        refusals.append(f"{grant.roles[0]} ({policy.at('roles', grant.roles[0])}): {'; '.join(beyond)}")
    what = "deliver" if "create" in permissions else "download"
    raise Denied(
        f"{name} may not {what} it any more: " + " / ".join(refusals),
        where=manifest.artifact,
        remedy="run the export again by the rights of today",
    )


def _todays_role(
    manifest: Manifest, request: PlanRequest, policy: Policy, at: datetime, asker: str | None = None
) -> str | None:
    """The role of the asker, or else of the owner, in which a run of today would make the same artifact; of an ad-hoc export
    its owner asks. None where none would, and of what a release without fingerprints made, since too little is told of it."""
    try:
        plan = compile_plan(with_rights(request, policy, asker, "create", at))
    except ExportError:
        return None
    if plan.rights is None or fingerprint(plan) != manifest.fingerprint:
        return None
    return plan.rights.asker_role or plan.rights.owner_role


def _beyond(
    manifest: Manifest,
    settings: DestinationSettings,
    request: PlanRequest,
    grant: Grant,
    permissions: tuple[Permission, ...],
    is_todays: bool,
) -> Iterator[str]:
    for permission in permissions:
        if permission not in grant.permissions:
            yield f'without the permission "{permission}"'
    if manifest.type not in grant.types:
        yield f"exports of {manifest.type}s"
    for place in settings.reaches():
        if not grant.delivers_to(settings.kind, place):
            yield f"{settings.kind} {place}".rstrip()
    if settings.gives_downloads and settings.kind != "download" and not grant.delivers_to("download", ""):
        yield "downloads by links"
    if grant.since and manifest.window.start < grant.since:
        yield f"rows before {iso(grant.since)}"
    if grant.max_rows is not None and manifest.rows > grant.max_rows:
        yield f"more than {grant.max_rows:,} rows"
    if not is_todays:
        yield from (finding.text for finding in compared(request, grant))
        yield from _shown_beyond(manifest, request.dataset, grant)


def _shown_beyond(manifest: Manifest, dataset: Dataset, grant: Grant) -> Iterator[str]:
    """Of flows, groups and columns, what the manifest does not show to be within the grant."""
    made_of: Any = manifest.rights.get("flows") or ()
    for flows in grant.flows:
        allowed = {flow.casefold() for flow in flows}
        if not any({str(item).casefold() for item in some} <= allowed for some in made_of):
            yield f"flows other than {', '.join(flows)}"
    if manifest.type == "report":
        least: Any = manifest.rights.get("min_group") or 0
        if (grant.min_group or 0) > least:
            yield f"groups of fewer than {grant.min_group} leads"
        return
    for column in manifest.columns:
        if _shows_more(column, dataset, grant):
            yield f"the column {column.id}"


def _shows_more(column: ManifestColumn, dataset: Dataset, grant: Grant) -> bool:
    """Whether a column may show more than the role may see, also where that cannot be told."""
    field = dataset.get(column.id)
    if field is None:
        return True
    if isinstance(field, Component):
        hidden = grant.treatment(field.field, dataset) != "keep"
        return grant.removes(field, dataset) or (
            hidden and not field.field.semantic_type.may_stand(field.name, True)
        )
    if field.kind is Kind.JSON:
        return not is_clear(field, grant, dataset)
    return TREATMENTS.index(grant.treatment(field, dataset)) > TREATMENTS.index(column.mask or "keep")
