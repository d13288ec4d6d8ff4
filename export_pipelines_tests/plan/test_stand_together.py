"""What may stand together: which parts of a value may be exported where the value is hidden, and which privacy is refused."""

from pathlib import Path

import pytest

from export_pipelines.errors import RequestError
from export_pipelines_tests.plan.leads import columns, masking, plan

EMAIL = ["domain", "host", "tld", "valid"]
PHONE = ["area", "exchange", "country_code", "type", "is_tollfree", "valid"]
BESIDE_A_MASKED_PHONE = ["area", "country_code", "type", "is_tollfree", "valid"]
POST = ["country_code", "zip", "fsa", "outcode", "valid"]
BESIDE_A_MASKED_ZIP = ["country_code", "fsa", "valid"]
# field, what may stand beside its hidden value, what may stand where the value is not exported
TABLE = [
    ("email", EMAIL, EMAIL),
    ("phone_1", BESIDE_A_MASKED_PHONE, PHONE),
    ("postal_code", BESIDE_A_MASKED_ZIP, POST),
    ("dob", ["year", "age"], ["year", "age"]),
    ("ip_address", ["version", "valid"], ["version", "valid"]),
    ("address_1", [], []),
    ("landing_page", [], []),
    ("gender", [], []),
]
CLOSED = ("dob", "ip_address", "gender")
CASES = [
    (field, word, beside)
    for field, beside, _ in TABLE
    for word in ("mask", "hash", "tokenize", "redact")
    if word != "redact" or field not in CLOSED
]


def message(folder: Path, yaml: str) -> str:
    with pytest.raises(RequestError) as caught:
        plan(folder, yaml)
    return str(caught.value)


@pytest.mark.parametrize(("field", "word", "parts"), CASES)
def test_a_glob_takes_only_the_parts_that_may_stand_beside_a_hidden_value(
    tmp_path: Path, field: str, word: str, parts: list[str]
) -> None:
    by_id = columns(tmp_path, f"fields: [{field}, {field}.*]\nprivacy: {{{field}: {word}}}")
    assert list(by_id) == [field, *(f"{field}.{part}" for part in parts)]
    assert by_id[field].mask == word


@pytest.mark.parametrize(
    ("parts", "word", "refused"),
    [
        ("phone_1.area, phone_1.exchange", "mask", "phone_1.exchange"),
        ("phone_1.line", "mask", "phone_1.line"),
        ("phone_1.line", "hash", "phone_1.line"),
        ("phone_1.number", "tokenize", "phone_1.number"),
        ("postal_code.zip", "mask", "postal_code.zip"),
        ("postal_code.ldu", "mask", "postal_code.ldu"),
        ("postal_code.outcode", "mask", "postal_code.outcode"),
        ("postal_code.four", "hash", "postal_code.four"),
        ("email.user", "redact", "email.user"),
        ("email.is_free", "hash", "email.is_free"),
        ("address_1.name", "redact", "address_1.name"),
        ("landing_page.host", "redact", "landing_page.host"),
        ("landing_page.query", "mask", "landing_page.query"),
        ("gender.abbr", "hash", "gender.abbr"),
    ],
)
@pytest.mark.parametrize("whole", [True, False], ids=["beside the value", "alone"])
def test_a_part_that_reveals_a_hidden_value_is_refused_by_name(
    tmp_path: Path, parts: str, word: str, refused: str, whole: bool
) -> None:
    field = refused.partition(".")[0]
    fields = f"lead_id, {field}, {parts}" if whole else f"lead_id, {parts}"
    text_of_error = message(tmp_path, f"fields: [{fields}]\nprivacy: {{{field}: {word}}}")
    assert (
        f'test_export.yaml:3: "{refused}" reveals what "{word}" hides of {field} (leave it out'
        in text_of_error
    )


def test_the_refusal_names_what_may_stand_beside_the_value(tmp_path: Path) -> None:
    text_of_error = message(tmp_path, "fields: [phone_1, phone_1.line]\nprivacy: {phone_1: mask}")
    assert text_of_error.endswith("beside it may stand: area, country_code, is_tollfree, type, valid)")


@pytest.mark.parametrize("word", ["hash", "tokenize", "redact"])
@pytest.mark.parametrize("pair", [("fsa", "ldu"), ("outcode", "incode")])
def test_the_halves_of_a_hidden_postal_code_do_not_stand_together(
    tmp_path: Path, word: str, pair: tuple[str, str]
) -> None:
    first, other = (f"postal_code.{name}" for name in pair)
    text_of_error = message(tmp_path, f"fields:\n  - {first}\n  - {other}\nprivacy: {{postal_code: {word}}}")
    assert (
        f"test_export.yaml:5: {first} and {other} together reveal postal_code, which is hidden"
        in text_of_error
    )
    assert list(columns(tmp_path, f"fields: [{other}]\nprivacy: {{postal_code: {word}}}")) == [other]


def test_the_halves_of_a_postal_code_that_is_not_exported_do_not_stand_together(tmp_path: Path) -> None:
    fields = "fields: [email, postal_code.fsa, postal_code.ldu]\n"
    text_of_error = message(tmp_path, fields + "privacy: {email: hash}")
    assert "postal_code.fsa and postal_code.ldu together reveal postal_code" in text_of_error
    assert len(columns(tmp_path, fields)) == 3


def test_a_rule_leaves_out_the_second_half_of_a_postal_code(tmp_path: Path) -> None:
    section = masking(tmp_path, "fields: {exclude_pii: true}")
    assert [column.id for column in section.columns if column.source == "postal_code"] == [
        f"postal_code.{p}" for p in POST
    ]
    assert {"postal_code.ldu", "postal_code.incode"} <= set(section.removed)


def test_a_half_that_is_named_goes_before_the_half_of_a_glob(tmp_path: Path) -> None:
    by_id = columns(tmp_path, "fields: [postal_code.ldu, postal_code.*]\nprivacy: {postal_code: hash}")
    assert "postal_code.ldu" in by_id and "postal_code.fsa" not in by_id


def test_of_a_kept_value_all_parts_may_stand(tmp_path: Path) -> None:
    fields = "fields: [email, postal_code, postal_code.fsa, postal_code.ldu, phone_1.line]\n"
    by_id = columns(tmp_path, fields + "privacy: {email: hash, postal_code: keep, phone_1: keep}")
    assert len(by_id) == 5


def test_every_exported_text_without_a_word_is_named_with_the_line_to_write(tmp_path: Path) -> None:
    yaml = (
        "fields: [lead_id, email, first_name, address_1.name, city, comments, landing_page, user_agent, custom, "
        "phone_1.line, phone_2.area, dob, ip_address, gender, state, price, reason]\nprivacy: {email: hash}"
    )
    missing = [
        "first_name", "address_1", "city", "comments", "landing_page", "user_agent", "custom", "phone_1",
    ]  # fmt: skip
    text_of_error = message(tmp_path, yaml)
    assert f"{len(missing)} without: {', '.join(missing)}; write" in text_of_error
    assert text_of_error.splitlines()[1:] == [
        f"  {id}: {'mask' if id == 'city' else 'redact'}" for id in missing
    ]  # redact would leave a city as it is
    written = yaml.replace(
        "{email: hash}", "{email: hash, " + ", ".join(f"{id}: redact" for id in missing) + "}"
    )
    assert '"address_1.name" reveals' in message(tmp_path, written)
    written = written.replace("address_1.name", "address_1").replace("phone_1.line, ", "phone_1, ")
    assert plan(tmp_path, written).masking


@pytest.mark.parametrize(
    ("yaml", "text"),
    [
        (
            "fields: [lead_id]\nprivacy: {email: hash}",
            '"email" has no effect: nothing that it stands for is exported',
        ),
        ("fields: [lead_id]\nprivacy: {'phone_*': mask}", '"phone_*" has no effect'),
        (
            "fields: [state]\nprivacy: {'st*': hash}",
            "a glob and an object stand for personal data of open types only",
        ),
        ("fields: [dob]\nprivacy: {'dob*': remove}", '"dob*" has no effect'),
        ("fields: [email.domain]\nprivacy: {email.user: remove}", '"email.user" has no effect'),
        ("fields: [custom.product_type]\nprivacy: {custom: redact}", '"custom" has no effect'),
        ("fields: [lead_id]\nprivacy: {'custom.*': redact}", '"custom.*" has no effect'),
        (
            "fields: [email]\nprivacy: {email: keep, email.user: remove}",
            '"email.user" removes email.user, but',
        ),
        (
            "fields: [dob]\nprivacy: {dob: redact}",
            '"dob" is of type dob, a closed type: there is no text to redact',
        ),
        ("fields: [price]\nprivacy: {price: redact}", '"price" is of type currency, a closed type'),
        (
            "fields: [ip_address]\nprivacy: {ip_address: redact}",
            "allowed: keep, mask, hash, tokenize, remove",
        ),
    ],
)
def test_a_word_that_cannot_be_kept_is_refused_at_its_line(tmp_path: Path, yaml: str, text: str) -> None:
    text_of_error = message(tmp_path, yaml)
    assert "test_export.yaml:4: " in text_of_error and text in text_of_error
