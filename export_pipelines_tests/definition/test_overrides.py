"""What a launch lays over an export's filter."""

from pathlib import Path
from typing import Any

import pytest

from export_pipelines.catalog import Catalog
from export_pipelines.definition import load_definition
from export_pipelines.definition.overrides import overrides_from
from export_pipelines.errors import DefinitionError, RequestError

ID = "5fd2b1c07f3e9a0012ab34cd"
YAML = "type: event\nformat: json\nfilter: {lead_ids: at launch, events: [source.*]}\n"


def test_it_takes_the_place_of_the_same_key_and_leaves_the_others(tmp_path: Path, catalog: Catalog) -> None:
    file = tmp_path / "dispute.yaml"
    file.write_text(YAML, encoding="utf-8")
    definition = load_definition(file, catalog, overrides_from([("filter.lead_ids", [ID])]))
    assert definition.filter.lead_ids == (ID,) and definition.filter.events == ("source.*",)
    assert definition.overrides == {"filter": {"lead_ids": [ID]}}


def test_a_fault_in_it_is_told_as_one_of_the_launch(tmp_path: Path, catalog: Catalog) -> None:
    file = tmp_path / "dispute.yaml"
    file.write_text(YAML, encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        load_definition(file, catalog, {"filter": {"lead_ids": [ID, "5fd2"], "flow": ["x"]}})
    first, second = caught.value.faults
    assert first.startswith(
        f"{file}, set at launch: filter.lead_ids.1: a lead id is 24 lower-case hex digits"
    )
    assert second.startswith(f'{file}, set at launch: filter: unknown key "flow"; did you mean "flows"?')


def test_a_field_among_the_keys_of_the_filter_is_told_its_place(tmp_path: Path, catalog: Catalog) -> None:
    file = tmp_path / "dispute.yaml"
    file.write_text(YAML, encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        load_definition(file, catalog, overrides_from([("filter.state", ["TX"])]))
    assert caught.value.faults == (
        f'{file}, set at launch: filter: "state" is a field; write it under filter.where, as where: {{state: [...]}}',
    )


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ([("privacy.email", "keep")], '"privacy.email" cannot be set at launch'),
        ([("filter", {})], '"filter" cannot be set at launch'),
        (
            [("filter.where.state", "TX")],
            '"filter.where.state" cannot be set at launch; keys of the filter can, as filter.lead_ids=[...] or filter.where={state: [...]}',
        ),
        ([("filter.flows", ["a"]), ("filter.flows", ["b"])], '"filter.flows" is set twice'),
    ],
)
def test_only_keys_of_the_filter_can_be_given(settings: list[tuple[str, Any]], text: str) -> None:
    with pytest.raises(RequestError) as caught:
        overrides_from(settings)
    assert str(caught.value).startswith(text)
