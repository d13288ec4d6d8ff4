"""The words of `privacy` as masks of a plan: which key reaches which field, what is read for it, which keys it needs."""

from pathlib import Path

import pytest

from export_pipelines.catalog import Kind
from export_pipelines.errors import RequestError, SettingsError
from export_pipelines.plan.plan import Mask
from export_pipelines_tests.plan.leads import columns, masking, plan


def masks(folder: Path, yaml: str) -> dict[str, str | None]:
    return {id: column.mask for id, column in columns(folder, yaml).items()}


def seals(folder: Path, yaml: str, id: str = "custom") -> dict[str, str | None]:
    return {seal.path: seal.mask for seal in columns(folder, yaml)[id].seals}


@pytest.mark.parametrize("word", ["hash", "mask", "tokenize"])
def test_a_masked_column_is_text(tmp_path: Path, word: str) -> None:
    column = columns(tmp_path, f"fields: [price]\nprivacy: {{price: {word}}}")["price"]
    assert (column.mask, column.kind, column.scale, column.type) == (word, Kind.TEXT, None, "currency")


def test_of_a_masked_value_only_the_parts_that_tell_nobody_remain(tmp_path: Path) -> None:
    section = masking(tmp_path, "fields: [email, email.*]\nprivacy: {email: hash}")
    assert [column.id for column in section.columns] == [
        "email", "email.domain", "email.host", "email.tld", "email.valid",
    ]  # fmt: skip
    assert section.removed == ("email.user", "email.is_free", "email.is_disposable")
    assert {column.mask for column in section.columns if column.component} == {None}


def test_a_removed_field_takes_its_parts_along(tmp_path: Path) -> None:
    section = masking(tmp_path, "fields: [lead_id, email, email.domain]\nprivacy: {email: remove}")
    assert [column.id for column in section.columns] == ["lead_id"]
    assert section.removed == ("email", "email.domain")


def test_a_part_can_be_removed_by_itself(tmp_path: Path) -> None:
    by_id = masks(tmp_path, "fields: [email.domain, email.user]\nprivacy: {email.user: remove}")
    assert by_id == {"email.domain": None}


def test_a_part_is_not_removed_while_the_whole_value_tells_it(tmp_path: Path) -> None:
    with pytest.raises(
        RequestError, match='"email.user" removes email.user, but "email" is exported and reveals'
    ):
        plan(tmp_path, "fields: [email, email.domain]\nprivacy: {email.user: remove}")


def test_keep_does_not_bring_back_a_part_of_a_masked_value(tmp_path: Path) -> None:
    by_id = masks(tmp_path, 'fields: [email, "email.us*"]\nprivacy: {email: hash, email.user: keep}')
    assert by_id == {"email": Mask.HASH}


def test_a_part_cannot_be_masked_alone(tmp_path: Path) -> None:
    with pytest.raises(RequestError) as caught:
        plan(tmp_path, "fields: [email.user]\nprivacy: {email.user: hash}")
    assert (
        'test_export.yaml:4: "email.user" names parts of a value; a part can be removed, not "hash"'
        in str(caught.value)
    )


@pytest.mark.parametrize(
    ("privacy", "expected"),
    [
        ("{phone_*: hash}", {"phone_1": "hash", "phone_2": "hash"}),
        ("{phone_*: hash, phone_2: keep}", {"phone_1": "hash", "phone_2": None}),
        ("{phone_2: keep, phone_*: hash}", {"phone_1": "hash", "phone_2": None}),
        ("{phone_*: mask, p*: tokenize}", {"phone_1": "tokenize", "phone_2": "tokenize"}),
        ("{p*: hash, phone_*: mask, phone_1: mask}", {"phone_1": "mask", "phone_2": "hash"}),
    ],
)
def test_a_name_goes_before_a_glob_and_of_globs_the_strictest(
    tmp_path: Path, privacy: str, expected: dict[str, str | None]
) -> None:
    assert masks(tmp_path, f"fields: [phone_1, phone_2]\nprivacy: {privacy}") == expected


def test_a_word_for_a_class_is_the_farthest(tmp_path: Path) -> None:
    yaml = "fields: [email, phone_1, first_name, city]\nprivacy: {direct: redact, indirect: keep, phone_*: mask, email: hash}"
    assert masks(tmp_path, yaml) == {
        "email": "hash", "phone_1": "mask", "first_name": "redact", "city": None,
    }  # fmt: skip


def test_a_word_holds_for_the_value_under_its_other_name(tmp_path: Path) -> None:
    yaml = "fields: [price, revenue, cost]\nprivacy: {price: hash}"
    assert masks(tmp_path, yaml) == {"price": "hash", "revenue": "hash", "cost": None}


def test_a_word_holds_for_a_declared_value_in_its_object(tmp_path: Path) -> None:
    yaml = "fields: [custom, custom.product_type]\nprivacy: {custom.product_type: hash}"
    assert masks(tmp_path, yaml)["custom.product_type"] == "hash"
    assert seals(tmp_path, yaml) == {
        "product_type": "hash", "loan_amount": None, "homeowner": None, "utm_campaign": None,
    }  # fmt: skip


@pytest.mark.parametrize("key", ["custom", "custom.*", "direct"])
@pytest.mark.parametrize("word", ["hash", "redact", "mask"])
def test_a_word_for_an_object_leaves_what_is_not_personal_in_it(tmp_path: Path, key: str, word: str) -> None:
    yaml = f"fields: [custom, custom.product_type]\nprivacy: {{'{key}': {word}}}"
    assert masks(tmp_path, yaml)["custom.product_type"] is None
    assert seals(tmp_path, yaml) == {
        "product_type": None, "loan_amount": None, "homeowner": None, "utm_campaign": None, "*": word,
    }  # fmt: skip


def test_a_removed_object_leaves_what_is_not_personal_beside_it(tmp_path: Path) -> None:
    section = masking(tmp_path, "fields: [lead_id, custom, custom.product_type]\nprivacy: {custom: remove}")
    assert section.removed == ("custom",)
    assert [column.id for column in section.columns] == ["lead_id", "custom.product_type"]


def test_a_glob_reaches_personal_data_of_open_types_only(tmp_path: Path) -> None:
    yaml = "fields: [lead_id, state, dob, price, email]\nprivacy: {'*': hash}"
    assert masks(tmp_path, yaml) == {
        "lead_id": None, "state": None, "dob": None, "price": None, "email": "hash",
    }  # fmt: skip


def test_of_a_closed_type_without_a_word_only_valid_values_remain(tmp_path: Path) -> None:
    fields = "fields: [email, dob, ip_address, gender, state]\n"
    by_id = masks(tmp_path, fields + "privacy: {email: mask}")
    assert by_id == {"email": "mask", "dob": None, "ip_address": "redact", "gender": "redact", "state": None}
    assert set(masks(tmp_path, fields).values()) == {None}


def test_a_kept_value_of_a_closed_type_stays_as_it_is(tmp_path: Path) -> None:
    yaml = "fields: [email, ip_address]\nprivacy: {email: mask, ip_address: keep}"
    assert masks(tmp_path, yaml)["ip_address"] is None


def test_without_a_text_that_is_redacted_nothing_is_read_that_is_not_shown(tmp_path: Path) -> None:
    compiled = plan(tmp_path, "fields: [lead_id, email, dob, price]\nprivacy: {dob: mask, email: hash}")
    assert (compiled.masking.own, compiled.masking.never) == ((), ())
    assert [column.name for column in compiled.query.columns] == [
        "lead_id",
        "email",
        "dob",
        "price",
        "submitted_at",
    ]


@pytest.mark.parametrize("format", ["csv", "json"])
def test_a_social_security_number_is_read_to_be_taken_out_of_texts_and_never_exported(
    tmp_path: Path, format: str
) -> None:
    compiled = plan(tmp_path, f"format: {format}\nfields: all")
    section = compiled.masking
    assert "ssn" not in {column.source for column in section.columns}
    assert section.never == ("ssn",)
    assert "ssn" in {column.name for column in compiled.query.columns}


def test_a_removed_name_is_read_to_be_taken_out_of_texts(tmp_path: Path) -> None:
    yaml = "fields: [lead_id, last_name, comments]\nprivacy: {last_name: remove, comments: redact}"
    section = masking(tmp_path, yaml)
    assert [column.id for column in section.columns] == ["lead_id", "comments"]
    assert section.own == ("first_name", "last_name", "title", "dob", "address_1", "address_2")


def test_a_redacted_url_keeps_the_parameters_that_the_catalog_allows(tmp_path: Path) -> None:
    by_id = columns(tmp_path, "fields: [landing_page, comments]\nprivacy: {'*': redact}")
    assert (by_id["landing_page"].query, by_id["comments"].query) == (("utm_*",), ())


@pytest.mark.parametrize(
    ("word", "name"), [("hash", "EXPORT_PIPELINES_HASH_KEY"), ("tokenize", "EXPORT_PIPELINES_MASTER_KEY")]
)
@pytest.mark.parametrize("field", ["email", "custom"])
def test_a_key_that_is_missing_is_named_with_how_to_set_it(
    tmp_path: Path, word: str, name: str, field: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        plan(tmp_path, f"fields: [email, custom]\nprivacy: {{direct: redact, {field}: {word}}}", keys={})
    assert f"needs the key {name}, which is not set" in str(caught.value)
    assert f'export {name}="$(openssl rand -hex 32)"' in str(caught.value)


def test_only_the_keys_that_are_used_are_needed(tmp_path: Path) -> None:
    yaml = "fields: [lead_id, email]\nprivacy: {email: mask, direct: hash}"
    assert plan(tmp_path, yaml, keys={}).masking.key_ids == ()


def test_privacy_that_leaves_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="privacy leaves no column to export"):
        plan(tmp_path, "fields: [email]\nprivacy: {email: remove}")
