"""What a launch lays over an export's filter: `run NAME --set filter.lead_ids=[...]`, or `filter:` in the Launchpad."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from export_pipelines.errors import RequestError
from export_pipelines.yaml.lines import Key

if TYPE_CHECKING:
    from export_pipelines.definition.export import ExportDefinition

AT_LAUNCH: Literal["at launch"] = "at launch"
FILTER = "filter"
RunOverrides = Mapping[str, Any]  # {"filter": {"lead_ids": [...]}}


def overrides_from(settings: Iterable[tuple[str, Any]]) -> RunOverrides:
    """From `("filter.lead_ids", [...])`. Raises RequestError for a key that is not one of the filter."""
    chosen: dict[str, Any] = {}
    for key, value in settings:
        head, _, name = key.partition(".")
        if head != FILTER or not name or "." in name:
            raise RequestError(
                f'"{key}" cannot be set at launch; keys of the filter can, as filter.lead_ids=[...] or '
                "filter.where={state: [...]}",
                remedy="fields, privacy and destinations stand in the export's file",
            )
        if name in chosen:
            raise RequestError(f'"{key}" is set twice')
        chosen[name] = value
    return {FILTER: chosen} if chosen else {}


def require_leads(definition: "ExportDefinition") -> None:
    """Raises RequestError for an export whose leads are given at launch, and were not."""
    if definition.filter.lead_ids == AT_LAUNCH:
        name = definition.name
        raise RequestError(
            "this export is told its leads when it is launched",
            where=definition.at("filter", "lead_ids"),
            remedy=f"export-pipelines run {name} --set 'filter.lead_ids=[...]', or in the Launchpad `filter: {{lead_ids: [...]}}`",
        )


def with_overrides(data: Any, overrides: RunOverrides) -> Any:
    """The YAML's data with what was given in its place."""
    if not overrides or not isinstance(data, dict):
        return data
    own = data.get(FILTER)
    return {**data, FILTER: {**(own if isinstance(own, dict) else {}), **overrides[FILTER]}}


def is_overridden(key: Key, overrides: RunOverrides) -> bool:
    """Whether the fault at `key` is one of the launch, not of the file."""
    return len(key) > 1 and key[0] == FILTER and key[1] in overrides.get(FILTER, {})
