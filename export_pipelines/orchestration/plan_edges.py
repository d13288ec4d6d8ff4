"""How the plans of a run travel from op to op. They differ in their windows only: what two of them share is there once."""

from collections.abc import Sequence
from typing import Any

from export_pipelines.orchestration.edges import Edge
from export_pipelines.plan import PlanDraft


def wire_drafts(drafts: Sequence[PlanDraft]) -> Edge:
    """The drafts as JSON. A section that equals the one of the draft before is the same object, which a pickle holds once."""
    edge: Edge = []
    before: PlanDraft | None = None
    for draft in drafts:
        shared = _shared(before, draft, edge[-1]) if before else {}
        edge.append(shared | draft.model_dump(mode="json", exclude=set(shared)))
        before = draft
    return edge


def _shared(before: PlanDraft, draft: PlanDraft, entry: dict[str, Any]) -> dict[str, Any]:
    return {name: json for name, json in entry.items() if getattr(before, name) == getattr(draft, name)}


def drafts_of(edge: Edge) -> list[PlanDraft]:
    """The drafts of an edge; a section that is the same object in two entries is so in their drafts. What another release has
    added is not asked about."""
    drafts: list[PlanDraft] = []
    before: dict[str, Any] = {}
    for entry in edge:
        known = PlanDraft.model_fields.keys() & entry.keys() & before.keys()
        shared = {name: getattr(drafts[-1], name) for name in known if entry[name] is before[name]}
        drafts.append(PlanDraft.model_validate(entry | shared))
        before = entry
    return drafts
