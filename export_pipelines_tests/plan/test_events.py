"""Events: the lead's snapshot as fields, in columns and in objects, with the masks of the lead; order and leads of a launch."""

from pathlib import Path

import pytest

from export_pipelines.catalog import Kind
from export_pipelines.errors import RequestError
from export_pipelines.plan.plan import Mask
from export_pipelines_tests.plan.leads import CATALOG, columns, masking, plan

EVENTS, LEADS = CATALOG.dataset("events"), CATALOG.dataset("leads")
NOT_IN_A_SNAPSHOT = {"lead_id", "outcome", "reason", "delivered_at", "revenue", "cost", "appended"}
ID = "5fd2b1c07f3e9a0012ab34cd"


def event(folder: Path, lines: str) -> dict[str, object]:
    return {id: column.mask for id, column in columns(folder, f"type: event\n{lines}").items()}


def test_every_field_of_a_lead_is_a_field_of_its_snapshot():
    own = {
        one.id: one
        for one in LEADS.fields
        if one.id not in NOT_IN_A_SNAPSHOT
        and not one.id.startswith(("flow.", "source.", "recipient.", "appended."))
    }
    found = {one.id.removeprefix("lead."): one for one in EVENTS.fields if one.id.startswith("lead.")}
    assert found.keys() == own.keys()
    for id, one in found.items():
        assert (one.type, one.pii, one.column) == (own[id].type, own[id].pii, "lead")
    assert (found["email"].path, found["custom.loan_amount"].path) == ("email", "custom.loan_amount")


def test_a_field_of_the_lead_is_named_without_its_prefix_where_events_have_no_such_field(tmp_path: Path):
    found = event(
        tmp_path, "fields: [event_id, email, email.domain, custom.product_type, outcome, lead.state]"
    )
    assert list(found) == [
        "event_id", "lead.email", "lead.email.domain", "lead.custom.product_type", "outcome", "lead.state",
    ]  # fmt: skip


def test_in_columns_the_snapshot_is_one_column_a_field(tmp_path: Path):
    found = columns(tmp_path, "type: event\nfields: [lead, lead_id]")
    assert "lead" not in found and "lead.ssn" not in found
    assert [one.header for one in found.values()][:2] == ["lead_reference", "lead_submitted_at"]
    assert found["lead.custom"].kind is Kind.JSON and list(found)[-1] == "lead_id"


@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_in_json_the_snapshot_is_one_object(tmp_path: Path, form: str):
    found = columns(tmp_path, f"type: event\nformat: {form}\nfields: all")
    assert [id for id in found if id.startswith("lead.")] == [] and found["lead"].kind is Kind.JSON


def test_a_social_security_number_is_taken_out_of_every_snapshot(tmp_path: Path):
    (seal,) = columns(tmp_path, "type: event\nformat: json\nfields: [lead]")["lead"].seals
    assert (seal.path, seal.mask) == ("ssn", Mask.REMOVE)


def test_a_word_for_a_field_holds_in_columns_and_in_the_snapshot(tmp_path: Path):
    privacy = "privacy: {email: hash, phone_*: mask, lead.last_name: remove}"
    flat = event(tmp_path, f"fields: [lead.email, phone_1, lead.last_name]\n{privacy}")
    assert flat == {"lead.email": "hash", "lead.phone_1": "mask"}
    seals = {
        seal.path: seal.mask
        for seal in columns(tmp_path, f"type: event\nformat: json\nfields: [lead]\n{privacy}")["lead"].seals
    }
    assert seals == {
        "email": "hash", "phone_1": "mask", "phone_2": "mask", "phone_3": "mask", "last_name": "remove", "ssn": "remove",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("privacy", "expected"),
    [
        ("{custom: mask}", {"custom.*": "mask", "custom.product_type": "mask", "email": None}),
        ("{custom.*: hash}", {"custom.*": "hash", "custom.product_type": "hash", "email": None}),
        ("{custom: remove}", {"custom": "remove", "custom.product_type": "remove"}),
        ("{lead: mask, custom: keep}", {"*": "mask", "email": "mask", "custom.*": None}),
    ],
)
def test_an_object_in_the_snapshot_has_words_of_its_own(
    tmp_path: Path, privacy: str, expected: dict[str, str | None]
):
    yaml = f"type: event\nformat: json\nfields: [lead]\nprivacy: {privacy}"
    seals = {seal.path: seal.mask for seal in columns(tmp_path, yaml)["lead"].seals}
    assert {path: seals.get(path) for path in expected} == expected


def test_masked_values_are_looked_for_in_objects_and_in_what_people_write(tmp_path: Path):
    yaml = "type: event\nfields: [event_id, reason, lead.state, comments, landing_page, appended]\nprivacy: {email: hash}"
    found = masking(tmp_path, yaml)
    assert found.watched == ("lead.email",)
    assert found.searched == ("lead.comments", "lead.landing_page", "appended")


def test_where_nothing_is_masked_nothing_is_searched(tmp_path: Path):
    assert masking(tmp_path, "type: event\nfields: all").searched == ()


def test_rows_are_sorted_as_asked_and_then_by_time(tmp_path: Path):
    made = plan(tmp_path, "type: event\nfields: [event_id]\nsort: [lead_id]")
    assert made.extract and made.extract.order == ("lead_id", "occurred_at", "event_id")
    assert made.masking and made.masking.query.sql.endswith(
        "ORDER BY CASE WHEN (events.lead_id IS NULL) THEN 0 ELSE 1 END, events.lead_id, events.occurred_at, events.event_id"
    )


def test_without_the_leads_that_a_launch_gives_there_is_no_plan(tmp_path: Path):
    with pytest.raises(RequestError) as caught:
        plan(tmp_path, "type: event\nfilter: {lead_ids: at launch}")
    assert "told its leads when it is launched" in str(caught.value)
    assert "--set 'filter.lead_ids=[...]'" in str(caught.value)


def test_event_types_are_globs_of_whole_dotted_words(tmp_path: Path):
    made = plan(tmp_path, 'type: event\nfilter: {events: [recipient.*, "step.skipp?d"]}')
    assert made.masking and made.masking.query.parameters[-2:] == ("recipient.%", "step.skipp_d")
