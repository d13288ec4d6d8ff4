"""What the masks of a plan do to the columns of a batch."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from export_pipelines import mask
from export_pipelines_tests.mask.leads import (
    KEYS,
    Lead,
    batch_of,
    comment,
    custom,
    masked,
    plan_of,
    row,
    shown,
    value,
)


@pytest.mark.parametrize("email", ["ann@one.test, jane.roe@two.test", "Ann Roe <ann@one.test>"])
def test_comments_hold_no_address_of_a_masked_cell(email: str) -> None:
    lead = {"email": email, "comments": f"write to ann@one.test or jane.roe@two.test, that is {email}"}
    masked_row = row(lead, ["email", "comments"], {"email": "mask", "comments": "redact"})
    assert masked_row["email"] == "***"
    assert not any(word in masked_row["comments"] for word in ("ann", "jane", "roe@", ".test"))


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("call 512_555_0142", "call ***"),
        ("call 512·555·0142", "call ***"),
        ("jane.doe&#64;example.com", "***"),
        ("I am Bo, or Li", "I am ***, or ***"),
        ("Señor Jose is in", "Señor *** is in"),
        ("my wife is kate.roe@home.test, call her", "my wife is ***, call her"),
    ],
)
def test_comments_hold_no_personal_data_however_it_is_spelled(text: str, after: str) -> None:
    assert comment(text, first_name="Bo Li", last_name="José") == after


WRONG_COLUMNS = ("first_name", "city", "title", "appended")


def test_an_address_in_the_wrong_column_goes_out_nowhere() -> None:
    address = "ann@one.test"
    lead = {"first_name": address, "city": address, "title": address}
    lead["appended"] = json.dumps({"geo": {"lat": address, "lng": -97.5}})
    words = {"first_name": "mask", "city": "redact", "title": "redact", "appended": "redact"}
    masked_row = row(lead, WRONG_COLUMNS, words)
    assert masked_row == {
        "first_name": "***",
        "city": "***",
        "title": "***",
        "appended": '{"geo":{"lat":"***","lng":-97.5}}',
    }


@pytest.mark.parametrize(
    ("field", "typed"), [("gender", "ann@one.test"), ("ip_address", "512-555-0142"), ("gender", "Ada")]
)
def test_what_is_no_value_of_a_closed_type_is_redacted_as_a_text(field: str, typed: str) -> None:
    lead = {field: typed, "first_name": "Ada"}
    assert row(lead, [field, "comments"], {"comments": "redact"})[field] == "***"


@pytest.mark.parametrize(("field", "typed"), [("gender", "Female"), ("ip_address", "192.168.100.200")])
def test_a_valid_value_of_a_closed_type_stays(field: str, typed: str) -> None:
    assert row({field: typed}, [field, "comments"], {"comments": "redact"})[field] == typed


def test_ids_and_other_fields_stay_though_a_name_is_a_part_of_them() -> None:
    lead = {
        "lead_id": "65a51c0ada1c0ffee",
        "source.name": "canada_loan",
        "reference": "ada@king.test 512-555-0142 Ada",
        "outcome": "success",
        "first_name": "Ada",
        "last_name": "King",
        "comments": "Looking at kings, Ada King",
    }
    fields = ["lead_id", "source.name", "reference", "outcome", "comments"]
    masked_row = row(lead, fields, {"comments": "redact"})
    assert masked_row == {id: lead[id] for id in fields} | {"comments": "Looking at kings, *** ***"}


def test_numbers_of_an_object_stay_though_a_masked_value_is_a_part_of_them() -> None:
    lead = {"postal_code": "76701", "custom": '{"loan_amount":176701.5,"rate": 76701}'}
    assert row(lead, ["postal_code", "custom"], {"postal_code": "mask", "custom": "redact"}) == {
        "postal_code": "767**",
        "custom": '{"loan_amount":176701.5,"rate": 76701}',
    }


@pytest.mark.parametrize(("word", "after"), [("mask", "***"), ("redact", "https://host.com/x")])
def test_nothing_of_a_user_with_two_signs_stands_before_a_host(word: str, after: str) -> None:
    assert value({"landing_page": "https://a@b:pw@host.com/x"}, "landing_page", word) == after


EVERY_KIND: Mapping[str, Any] = {
    "lead_id": "512-555-0142",
    "submitted_at": datetime(2024, 1, 15, 10, 30, 45, 123000, tzinfo=UTC),
    "tcpa_consent": True,
    "dob": date(1990, 3, 5),
    "price": Decimal("1234567.10"),
    "state": "TX",
    "country": "Jane",
    "campaign_id": "ann@one.test",
    "reason": " 987-65-4321\n",
}


@pytest.mark.parametrize("comments", [None, "", "Jane is ann@one.test"])
def test_what_is_not_personal_goes_out_as_it_is(comments: str | None) -> None:
    lead = {**EVERY_KIND, "first_name": "Jane", "ssn": "987-65-4321", "comments": comments}
    masked_row = row(lead, [*EVERY_KIND, "comments"], {"comments": "redact"})
    assert {id: masked_row[id] for id in EVERY_KIND} == EVERY_KIND


UNCHANGED = [
    "", " ", "Looking for a loan of 25,000 dollars", "call me after 5 p.m.", "I want 100% of 3/4", "größer als 5 & kleiner",
    "\t two\r\nlines ", "@home", "5 @ 3", "C:\\new\\table", "x%zz &c; \\q", "中文 日本語", "e\u0301", "(-:", "55-01-42",
]  # fmt: skip


@pytest.mark.parametrize("text", UNCHANGED)
def test_a_text_without_personal_data_stays_as_it_is(text: str) -> None:
    own = {"first_name": "Ada", "last_name": "King", "address_1": "12 Main St", "ssn": "987-65-4321"}
    assert comment(text, **own) == text
    assert value({"comments": text, "ssn": "987-65-4321"}, "comments", None) == text


def test_each_row_is_redacted_with_its_own_values() -> None:
    text = "Ann and Bob of 12 Quetzal Lane and 9 Lark St, 3/5/1990 or 4/6/1991"
    leads: list[Lead] = [
        {"first_name": "Ann", "address_1": "12 Quetzal Lane", "comments": text},
        {"first_name": "Bob", "dob": date(1990, 3, 5), "comments": text},
        {"comments": text},
        {"first_name": None, "last_name": "Carl", "comments": None},
        {"first_name": "Zoe", "address_1": "9 Lark St", "dob": date(1991, 4, 6), "comments": text},
        {"first_name": "Ann", "last_name": "Bob", "comments": ""},
    ]
    comments = [masked_row["comments"] for masked_row in shown(leads, ["comments"], {"comments": "redact"})]
    assert comments == [
        "*** and Bob of *** and 9 Lark St, 3/5/1990 or 4/6/1991",
        "Ann and *** of 12 Quetzal Lane and 9 Lark St, *** or 4/6/1991",
        text,
        None,
        "Ann and Bob of 12 Quetzal Lane and ***, 3/5/1990 or ***",
        "",
    ]


def test_all_columns_of_a_row_are_redacted_with_its_values() -> None:
    lead = {
        "comments": "a",
        "city": "Ann",
        "user_agent": "Ann/1.0",
        "landing_page": "https://x.example/ann",
        "custom": '["Ann"]',
    }
    fields = tuple(lead)
    masked_row = row(lead | {"first_name": "ANN"}, fields, dict.fromkeys(fields, "redact"))
    assert masked_row == {
        "comments": "a", "city": "***", "user_agent": "***/1.0", "landing_page": "https://x.example/***", "custom": '["***"]',
    }  # fmt: skip


def test_a_field_that_is_exported_twice_is_redacted_twice() -> None:
    fields = ["comments", "email", "email.domain", "custom"]
    lead = {"comments": "Ann", "email": "ann@one.test", "first_name": "Ann", "custom": None}
    masked_row = row(lead, fields, {"comments": "redact", "email": "hash", "custom": "redact"})
    assert (
        masked_row["comments"] == "***"
        and masked_row["email.domain"] == "one.test"
        and len(masked_row["email"]) == 41
    )


def test_values_that_were_hidden_are_counted() -> None:
    leads: list[Lead] = [
        {"comments": "Ann", "email": None, "first_name": "Ann"},
        {"comments": "x", "email": "a@b.co"},
    ]
    plan = plan_of(["comments", "email"], {"comments": "redact", "email": "mask"})
    assert masked(plan, leads).values == 2


def test_a_batch_is_not_changed_itself() -> None:
    text = "Ann%2CJosé, ann@one.test, 987-65-4321"
    lead = {"comments": text, "custom": f'["{text}","{text}"]', "first_name": "Ann", "last_name": "José"}
    for words in ({"comments": "redact", "custom": "redact"}, {"comments": "keep", "custom": "keep"}):
        plan = plan_of(["comments", "custom"], words)
        leads = (
            [{id: lead[id] for id in ("comments", "custom")}] if "keep" in words.values() else [lead, lead]
        )
        batch = batch_of(plan, leads)
        before = batch.to_pylist()
        first, second = (mask.apply(plan, batch, KEYS).frame.to_dicts() for _ in range(2))
        assert first == second != leads
        assert batch.to_pylist() == before


def test_a_batch_without_rows_stays_one() -> None:
    fields = ["comments", "landing_page", "email", "email.domain", "custom", "gender", "lead_id"]
    words = {"comments": "redact", "landing_page": "redact", "email": "mask", "custom": "redact"}
    assert shown([], fields, words) == []
    assert shown([], fields, {}) == []


def test_nulls_stay_null_under_every_word() -> None:
    for word in ("redact", "mask", "hash", "tokenize"):
        for field in ("comments", "email", "phone_1", "first_name", "landing_page", "custom", "postal_code"):
            leads = [{field: None}, {field: None}]
            assert shown(leads, [field], {field: word}) == leads
    assert custom("null") == "null"
