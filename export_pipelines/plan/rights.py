"""An export held against a grant: what the principal may not have, key by key, and with which role a run acts."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from export_pipelines.access import EVERYTHING, Grant, Permission, Policy, Rights, grants_of
from export_pipelines.catalog import Component, Field
from export_pipelines.catalog.dimensions import dimensions_of
from export_pipelines.catalog.metrics import MEASURES, METRICS
from export_pipelines.definition.filters import Rule, RuleSet
from export_pipelines.definition.selection import resolve_fields
from export_pipelines.errors import Denied, RequestError
from export_pipelines.plan.columns import columns_of
from export_pipelines.plan.granted import is_clear
from export_pipelines.plan.plan import OutputColumn, RightsUsed, iso
from export_pipelines.plan.privacy import shown_columns
from export_pipelines.plan.query.scope import flows_beyond, most_rows
from export_pipelines.plan.request import PlanRequest
from export_pipelines.plan.window import WHOLE_KEY, before

Key = tuple[str | int, ...]
PARTIES = {"flows": "flow", "sources": "source", "recipients": "recipient"}


class Finding(NamedTuple):
    """Something that the export asks for and a grant does not give. `key` is its place in the YAML; what `refuses` cannot
    be narrowed: whoever asks gets nothing."""

    key: Key
    text: str
    refuses: bool = False


def findings(request: PlanRequest, grant: Grant) -> list[Finding]:
    """All that the export asks for beyond `grant`, in the order of the YAML's keys. Raises RequestError for an export that
    cannot be, whoever asks."""
    if grant == EVERYTHING:
        return []
    return [
        *_types(request, grant),
        *_destinations(request, grant),
        *compared(request, grant),
        *_columns(request, grant),
        *_rows(request, grant),
    ]


def with_rights(
    request: PlanRequest,
    policy: Policy | None,
    asker: str | None,
    permission: Permission,
    at: datetime,
    sample: bool = False,
) -> PlanRequest:
    """The request with the rights of its export's owner and, if somebody asked for it, with theirs: each in the first of
    their roles that narrows nothing, else the first that refuses nothing. Of a
    `sample` window only the length counts, not when it was. An ad-hoc export has the rights of who asks, else of its owner.

    Raises RequestError where the owner may not have what the export asks for, or whoever asks is refused.
    """
    if policy is None:
        return request
    definition = request.definition
    if definition.owner is None:
        raise Denied(
            f"{policy.file} says who may export what, and this export names no owner",
            where=str(definition.path),
            remedy="write owner: NAME, of a principal in that file",
        )
    try:
        owners = grants_of(policy, definition.owner, at)
    except RequestError as error:
        raise Denied(f"owner: {error}", where=definition.at("owner")) from error
    if sample:
        owners = tuple(replace(grant, since=_since(request, grant, at)) for grant in owners)
    owner, beyond = _acting(request, owners, "create")
    if (
        definition.is_ad_hoc
    ):  # its owner is who asks, whose rights narrow it as they narrow the exports of others
        owner = replace(EVERYTHING, principals=owner.principals, roles=owner.roles)
        asker = asker or definition.owner
    else:
        _require(request, policy, owner, beyond, "the owner ")
    request = replace(request, rights=Rights(owner))
    if asker is None:
        return request
    asking, beyond = _acting(request, grants_of(policy, asker, at), permission)
    _require(request, policy, asking, [finding for finding in beyond if finding.refuses], "")
    return replace(request, rights=Rights(owner, asking))


def _since(request: PlanRequest, grant: Grant, at: datetime) -> datetime | None:
    """The grant's first day as far as the export itself asks for more, whatever window a run gives it."""
    last, here = request.definition.filter.last, request.window
    if grant.since is None or (here.key == WHOLE_KEY and not last):
        return grant.since
    return here.end if last and before(at, last) < grant.since else None


def rights_used(request: PlanRequest) -> RightsUsed | None:
    """What a plan and its manifest tell of them."""
    rights = request.rights
    if rights is None:
        return None
    asked = rights.asker != EVERYTHING
    flows = {tuple(sorted(request.definition.filter.flows)), *rights.effective.flows} - {()}
    return RightsUsed(
        owner=rights.owner.principals[0],
        owner_role=rights.owner.roles[0],
        asker=rights.asker.principals[0] if asked else None,
        asker_role=rights.asker.roles[0] if asked else None,
        narrowed=tuple(finding.text for finding in findings(request, rights.asker)),
        flows=tuple(sorted(flows)),
        min_group=rights.effective.min_group if request.definition.report else None,
    )


def _acting(
    request: PlanRequest, grants: Sequence[Grant], permission: Permission
) -> tuple[Grant, list[Finding]]:
    """The role that a run acts in, and what it does not give. Raises Denied where none has the permission."""
    allowed = [grant for grant in grants if permission in grant.permissions]
    if not allowed:
        having = "; ".join(f"{grant.roles[0]}: {', '.join(sorted(grant.permissions))}" for grant in grants)
        raise Denied(
            f'{grants[0].principals[0]} has no role with the permission "{permission}"',
            where=request.definition.name,
            remedy=f"roles: {having}",
        )
    pairs = [(grant, findings(request, grant)) for grant in allowed]
    whole = [pair for pair in pairs if not pair[1]]
    narrowed = [pair for pair in pairs if not any(finding.refuses for finding in pair[1])]
    return (*whole, *narrowed, *pairs)[0]


def _require(
    request: PlanRequest, policy: Policy, grant: Grant, refused: Sequence[Finding], who: str
) -> None:
    """Raises Denied for what is `refused`."""
    if not refused:
        return
    definition, role = request.definition, grant.roles[0]
    who = f"{who}{grant.principals[0]} as {role} ({policy.at('roles', role)})"
    first, *residual = (
        f"{definition.at(*finding.key)}: {who} may not: {finding.text}" for finding in refused
    )
    where, _, what = first.partition(": ")
    raise Denied("\n".join([what, *residual]), where=where)


def _types(request: PlanRequest, grant: Grant) -> Iterator[Finding]:
    if request.definition.type not in grant.types:
        text = f"export {request.definition.type}s; allowed: {', '.join(sorted(grant.types)) or 'none'}"
        yield Finding(("type",), text, True)


def _destinations(request: PlanRequest, grant: Grant) -> Iterator[Finding]:
    for n, entry in enumerate(request.definition.deliver):
        for place in entry.reaches():
            if not grant.delivers_to(entry.kind, place):
                text = f"deliver to {entry.kind} {place}".rstrip()
                yield Finding(("deliver", n), text, True)
        if entry.gives_downloads and "download" not in grant.permissions:
            yield Finding(("deliver", n), 'offer downloads without the permission "download"', True)
        if entry.gives_downloads and entry.kind != "download" and not grant.delivers_to("download", ""):
            yield Finding(("deliver", n), f"offer downloads by links ({entry.kind})", True)
    stream = request.definition.stream
    if stream and not grant.delivers_to(stream.kind, stream.sink.reaches()):
        yield Finding(("stream", stream.kind), f"stream to {stream.kind} {stream.sink.reaches()}", True)


def compared(request: PlanRequest, grant: Grant) -> Iterator[Finding]:
    """What rows are chosen, sorted or grouped by, and is not seen in clear: it would tell what is hidden."""
    dataset = request.dataset
    for key, what, field in _asked(request):
        if not is_clear(field, grant, dataset):
            text = f"{what} {field.id}, which this role does not see in clear"
            yield Finding(key, text, True)


def _asked(request: PlanRequest) -> Iterator[tuple[Key, str, Field | Component]]:
    definition, dataset = request.definition, request.dataset
    for key, prefix in PARTIES.items():
        if getattr(definition.filter, key):
            for id in (f"{prefix}.id", f"{prefix}.name"):
                if field := dataset.get(id):
                    yield ("filter", key), "filter by", field
    for key, id in (("events", "event_type"), ("lead_ids", "lead_id")):
        if getattr(definition.filter, key) and (field := dataset.get(id)):
            yield ("filter", key), "filter by", field
    for id in definition.filter.where:
        yield ("filter", "where", id), "filter by", dataset.find(id)
    for n, rule in enumerate(definition.filter.rules):
        for place, lhv in _left_sides(rule, ("filter", "rules", n)):
            yield place, "filter by", dataset.find(lhv)
    for n, id in enumerate(definition.sort):
        yield ("sort", n), "sort by", dataset.find(id)
    yield from _grouped(request)


def _left_sides(rule: Rule | RuleSet, place: Key) -> Iterator[tuple[Key, str]]:
    if isinstance(rule, RuleSet):
        for n, member in enumerate(rule.rules):
            yield from _left_sides(member, (*place, "rules", n))
    else:
        yield place, rule.lhv


def _grouped(request: PlanRequest) -> Iterator[tuple[Key, str, Field | Component]]:
    report = request.definition.report
    if report is None:
        return
    groups = dimensions_of(request.dataset)
    asked: list[tuple[Key, str]] = [(("group_by", n), id) for n, id in enumerate(report.group_by)]
    asked += [(("pivot",), report.pivot)] if report.pivot else []
    for key, id in asked:
        if id in groups and (operand := groups[id].of):
            yield key, "group by", operand
    for n, id in enumerate(report.metrics):
        for name in METRICS[id].measures if id in METRICS else ():
            measure = MEASURES[report.over].get(name)
            names = (*([measure.field] if measure.field else []), *dict(measure.where)) if measure else ()
            for field in names:
                if operand := request.dataset.get(field):
                    yield ("metrics", n), "measure", operand


def _columns(request: PlanRequest, grant: Grant) -> Iterator[Finding]:
    """Columns that the grant hides more than the export does."""
    if request.definition.report or not grant.pii:
        return
    chosen = columns_of(resolve_fields(request.definition, request.dataset), request)
    asked, _ = shown_columns(chosen, request, EVERYTHING)
    shown = {shown_column.id: shown_column for shown_column in shown_columns(chosen, request, grant)[0]}
    for column in asked:
        text = _lost(column, shown.get(column.id))
        if text:
            yield Finding(_place(request, column), text)


def _lost(asked: OutputColumn, shown: OutputColumn | None) -> str | None:
    if shown is None:
        return f"{asked.id} is removed"
    if shown.mask != asked.mask:
        return f"{asked.id}: {shown.mask} instead of {asked.mask or 'keep'}"
    before = {seal.path: seal.mask for seal in asked.seals}
    after = {seal.path: seal.mask for seal in shown.seals if seal.mask and before.get(seal.path) != seal.mask}
    if after:
        return f"{asked.id}: " + ", ".join(f"{path} {mask}" for path, mask in sorted(after.items()))
    return None


def _place(request: PlanRequest, column: OutputColumn) -> Key:
    """Where the YAML asks for the column: its word of privacy, its place in the list, else `fields`."""
    definition = request.definition
    for id in (column.id, column.source):
        if id in definition.privacy:
            return ("privacy", id)
    fields = definition.fields if isinstance(definition.fields, tuple) else ()
    return ("fields", fields.index(column.id)) if column.id in fields else ("fields",)


def _rows(request: PlanRequest, grant: Grant) -> Iterator[Finding]:
    definition = request.definition
    for flows in flows_beyond(request, grant):
        key: Key = ("filter", "flows") if definition.filter.flows else ("filter",)
        yield Finding(key, f"flows other than {', '.join(flows)}")
    start = _start(request)
    if grant.since is not None and (start is None or start < grant.since):
        key = ("filter", "last") if definition.filter.last else ("partition",)
        yield Finding(key, f"rows before {iso(grant.since)}")
    if grant.max_rows is not None and _cuts(request, grant.max_rows):
        yield Finding(("limits", "rows"), f"more than {grant.max_rows:,} rows")
    owners = request.rights.owner.min_group if request.rights else grant.min_group
    if grant.min_group and definition.report and grant.min_group > (owners or 0):
        yield Finding(("group_by",), f"groups of fewer than {grant.min_group} leads")


def _cuts(request: PlanRequest, rows: int) -> bool:
    """Of an owner, whose rights are asked first, only a limit that the export itself sets counts as asked for."""
    if request.rights is None:
        return "limits.rows" in request.definition.lines and rows < request.definition.limits.rows
    return rows < most_rows(replace(request, rights=Rights(request.rights.owner)))


def _start(request: PlanRequest) -> datetime | None:
    """The first moment of which rows are asked for; None for the whole history."""
    if request.window.key == WHOLE_KEY:
        return None
    last = request.definition.filter.last
    start = request.window.start
    return max(start, before(request.window.end, last)) if last else start
