"""Events: the lead's snapshot as fields, in columns and in objects, with the masks of the lead; order and leads of a launch."""

from pathlib import Path

import pytest

from export_pipelines.catalog import Kind
from export_pipelines.errors import RequestError
from export_pipelines.plan.columns import source_fields
from export_pipelines.plan.plan import Mask
from export_pipelines.plan.query.select import build_query
from export_pipelines_tests.plan.leads import CATALOG, columns, masking, plan, request

EVENTS, LEADS = CATALOG.dataset("events"), CATALOG.dataset("leads")
NOT_IN_A_SNAPSHOT = {"lead_id", "outcome", "reason", "delivered_at", "revenue", "cost", "appended"}
ID = "5fd2b1c07f3e9a0012ab34cd"


def event(folder: Path, lines: str) -> dict[str, object]:
    return {id: column.mask for id, column in columns(folder, f"type: event\n{lines}").items()}


def test_every_field_of_a_lead_is_a_field_of_its_snapshot() -> None:
    own = {
        field.id: field
        for field in LEADS.fields
        if field.id not in NOT_IN_A_SNAPSHOT
        and not field.id.startswith(("flow.", "source.", "recipient.", "appended."))
    }
    by_id = {field.id.removeprefix("lead."): field for field in EVENTS.fields if field.id.startswith("lead.")}
    assert by_id.keys() == own.keys()
    for id, field in by_id.items():
        assert (field.type, field.pii, field.column) == (own[id].type, own[id].pii, "lead")
    assert (by_id["email"].path, by_id["custom.loan_amount"].path) == ("email", "custom.loan_amount")


def test_a_field_of_the_lead_is_named_without_its_prefix_where_events_have_no_such_field(
    tmp_path: Path,
) -> None:
    by_id = event(
        tmp_path, "fields: [event_id, email, email.domain, custom.product_type, outcome, lead.state]"
    )
    assert list(by_id) == [
        "event_id", "lead.email", "lead.email.domain", "lead.custom.product_type", "outcome", "lead.state",
    ]  # fmt: skip


def test_in_columns_the_snapshot_is_one_column_a_field(tmp_path: Path) -> None:
    by_id = columns(tmp_path, "type: event\nfields: [lead, lead_id]")
    assert "lead" not in by_id and "lead.ssn" not in by_id
    assert [column.header for column in by_id.values()][:2] == ["lead_reference", "lead_submitted_at"]
    assert by_id["lead.custom"].kind is Kind.JSON and list(by_id)[-1] == "lead_id"


@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_in_json_the_snapshot_is_one_object(tmp_path: Path, form: str) -> None:
    by_id = columns(tmp_path, f"type: event\nformat: {form}\nfields: all")
    assert [id for id in by_id if id.startswith("lead.")] == [] and by_id["lead"].kind is Kind.JSON


def seals(folder: Path, privacy: str) -> dict[str, str | None]:
    yaml = f"type: event\nformat: json\nfields: [lead]\n{privacy}"
    return {seal.path: seal.mask for seal in columns(folder, yaml)["lead"].seals}


def test_a_social_security_number_is_taken_out_of_every_snapshot(tmp_path: Path) -> None:
    hidden = {path: mask for path, mask in seals(tmp_path, "").items() if mask}
    assert hidden == {"ssn": Mask.REMOVE}


def test_a_word_for_a_field_holds_in_columns_and_in_the_snapshot(tmp_path: Path) -> None:
    privacy = "{email: hash, phone_*: mask, lead.last_name: remove"
    flat = event(tmp_path, f"fields: [lead.email, phone_1, lead.last_name]\nprivacy: {privacy}}}")
    assert flat == {"lead.email": "hash", "lead.phone_1": "mask"}
    mask_of = seals(tmp_path, f"privacy: {privacy}, lead: keep}}")
    hidden = {path: mask for path, mask in mask_of.items() if mask not in (None, Mask.KEEP, Mask.REDACT)}
    assert hidden == {
        "email": "hash", "phone_1": "mask", "phone_2": "mask", "phone_3": "mask", "last_name": "remove", "ssn": "remove",
    }  # fmt: skip


def test_an_object_needs_a_word_of_its_own_beside_hidden_fields(tmp_path: Path) -> None:
    with pytest.raises(RequestError) as caught:
        seals(tmp_path, "privacy: {email: hash}")
    assert "1 without: lead; write these lines under `privacy`" in str(caught.value)
    assert str(caught.value).endswith("\n  lead: redact")


@pytest.mark.parametrize(
    ("privacy", "expected"),
    [
        ("{lead: redact, custom: mask}", {"*": "redact", "custom.*": "mask", "email": "redact"}),
        ("{lead: redact, custom.*: hash}", {"*": "redact", "custom.*": "hash", "email": "redact"}),
        ("{lead: redact, custom: remove}", {"*": "redact", "custom": "remove", "custom.*": "remove"}),
        ("{lead: mask, custom: keep}", {"*": "mask", "email": "mask", "custom.*": "keep"}),
        ("{lead: keep, email: hash}", {"*": "keep", "email": "hash", "phone_1": "keep", "custom.*": "keep"}),
        ("{lead.*: tokenize, email: mask}", {"*": "tokenize", "email": "mask", "custom.*": "tokenize"}),
        ("{direct: redact, email: mask}", {"*": "redact", "email": "mask", "first_name": "redact"}),
    ],
)
def test_an_object_in_the_snapshot_has_words_of_its_own(
    tmp_path: Path, privacy: str, expected: dict[str, str | None]
) -> None:
    mask_of = seals(tmp_path, f"privacy: {privacy}")
    assert {path: mask_of.get(path) for path in expected} == expected


@pytest.mark.parametrize(
    "privacy",
    ["{}", "{lead: redact}", "{lead: hash, custom: mask}", "{lead.*: tokenize}", "{lead: keep, state: keep}"],
)
def test_what_is_not_personal_is_never_hidden_in_the_snapshot(tmp_path: Path, privacy: str) -> None:
    mask_of = seals(tmp_path, f"privacy: {privacy}")
    plain = {
        field.path
        for field in EVENTS.fields
        if field.column == "lead" and field.path and not field.is_personal
    }
    assert {path: mask_of[path] for path in plain} == dict.fromkeys(plain)


def test_where_texts_are_redacted_the_names_of_the_row_are_read_and_not_exported(tmp_path: Path) -> None:
    yaml = "type: event\nfields: [event_id, reason, comments]\nprivacy: {comments: redact}"
    compiled = plan(tmp_path, yaml)
    section = compiled.masking
    assert section.own == (
        "lead.first_name", "lead.last_name", "lead.title", "lead.dob", "lead.address_1", "lead.address_2",
    )  # fmt: skip
    assert section.never == ("lead.ssn",)
    assert {*section.own, *section.never} <= {column.name for column in compiled.query.columns}
    assert [column.id for column in section.columns] == ["event_id", "reason", "lead.comments"]


def test_where_nothing_is_redacted_no_name_is_read(tmp_path: Path) -> None:
    section = masking(tmp_path, "type: event\nfields: [event_id, comments]")
    assert (section.own, section.never) == ((), ("lead.ssn",))
    compiled = plan(tmp_path, "type: event\nfields: [event_id, reason]")
    section = compiled.masking
    assert (section.own, section.never) == ((), ())
    assert [column.name for column in compiled.query.columns] == [
        "event_id",
        "reason",
        "occurred_at",
        "lead_id",
    ]


def test_the_lead_of_an_event_is_always_read_and_no_part_of_what_the_rows_say(tmp_path: Path) -> None:
    """Else each export without that column would be outdated."""
    yaml = "type: event\nfields: [event_id, reason]"
    compiled, fields = plan(tmp_path, yaml), source_fields(EVENTS, ["event_id", "reason", "occurred_at"])
    assert compiled.query.columns[-1].name == "lead_id"
    assert compiled.query.rows == build_query(request(tmp_path, yaml), fields).rows


def test_rows_are_sorted_as_asked_and_then_by_time(tmp_path: Path) -> None:
    compiled = plan(tmp_path, "type: event\nfields: [event_id]\nsort: [lead_id]")
    assert compiled.extract and compiled.extract.order == ("lead_id", "occurred_at", "event_id")
    assert compiled.query.sql.endswith(
        "ORDER BY CASE WHEN (events.lead_id IS NULL) THEN 0 ELSE 1 END, events.lead_id, events.occurred_at, events.event_id"
    )


def test_without_the_leads_that_a_launch_gives_there_is_no_plan(tmp_path: Path) -> None:
    with pytest.raises(RequestError) as caught:
        plan(tmp_path, "type: event\nfilter: {lead_ids: at launch}")
    assert "told its leads when it is launched" in str(caught.value)
    assert "--set 'filter.lead_ids=[...]'" in str(caught.value)


def test_event_types_are_globs_of_whole_dotted_words(tmp_path: Path) -> None:
    compiled = plan(tmp_path, 'type: event\nfilter: {events: [recipient.*, "step.skipp?d"]}')
    assert compiled.query.parameters[-2:] == ("recipient.%", "step.skipp_d")
