"""How the plans of a run travel from op to op. They differ in their windows only: what two of them share is there once."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from export_pipelines.orchestration.edges import Edge
from export_pipelines.plan import PlanDraft


def wire_drafts(drafts: Sequence[PlanDraft]) -> Edge:
    """The drafts as JSON. What equals the same part of the draft before is the same object, which a pickle holds once."""
    edge: Edge = []
    before: PlanDraft | None = None
    for draft in drafts:
        edge.append(_entry(draft, before, edge[-1]) if before else draft.model_dump(mode="json"))
        before = draft
    return edge


def _entry(model: BaseModel, before: BaseModel, entry: dict[str, Any]) -> dict[str, Any]:
    shared = dict[str, Any]()
    for name, json in entry.items():
        value, value_before = getattr(model, name), getattr(before, name)
        if value == value_before:
            shared[name] = json
        elif isinstance(value, BaseModel) and type(value) is type(value_before):
            shared[name] = _entry(value, value_before, json)
    return shared | model.model_dump(mode="json", exclude=set(shared))


def drafts_of(edge: Edge) -> list[PlanDraft]:
    """The drafts of an edge; what is the same object in two entries is so in their drafts. What another release has added is
    not asked about."""
    drafts: list[PlanDraft] = []
    before: dict[str, Any] = {}
    for entry in edge:
        drafts.append(PlanDraft.model_validate(_with_shared(entry, before, drafts[-1]) if before else entry))
        before = entry
    return drafts


def _with_shared(entry: dict[str, Any], before: dict[str, Any], model: BaseModel) -> dict[str, Any]:
    """The entry, with what `model`, which was made of `before`, has in the place of the same objects."""
    shared = dict[str, Any]()
    for name in type(model).model_fields.keys() & entry.keys() & before.keys():
        value = getattr(model, name)
        if entry[name] is before[name]:
            shared[name] = value
        elif isinstance(value, BaseModel) and isinstance(entry[name], dict):
            shared[name] = _with_shared(entry[name], before[name], value)
    return entry | shared
