"""A masked value shows a part of what is valid, and stars in the place of anything else."""

import json
import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipelines.mask.pseudonyms import Opener
from export_pipelines_tests.mask import awkward
from export_pipelines_tests.mask.leads import KEYS, custom, row, shown, value

WORDS = ("mask", "hash", "tokenize")
PHONES = {
    "2135558931": "******8931",
    "+1 (213) 555-8931": "*******8931",
    "213.555.8931": "******8931",
    "5558931": "***8931",
    "+44 20 7946 0958": "********0958",
    "213-555-8931 x42": "******8931",
    "(213) 555-8931 ext. 42": "******8931",
    "213-555-8931 extension 42": "******8931",
    " 2135558931 ": "******8931",
    "558931": "***",
    "unknown": "***",
    "213-555-8931 / 213-555-8932": "***",
    "2135558931 2135558932": "***",
    "213-555-8931 x2135558932": "***",
    "213-555-8931 Jane": "***",
    "call 2135558931": "***",
    "213-555-8931\n": "******8931",
    "213555893\u0661": "***",
    "２１３５５５８９３１": "***",
    '{"raw": "2135558931"}': "***",
    " [2135558931]": "***",
    "jane@x.co": "***",
    "x42": "***",
    "": "",
}
EMAILS = {
    "jane@example.com": "j***@example.com",
    " jane@example.com\n": "j***@example.com",
    "j@x.co": "***@x.co",
    "o'neil+a@mail.x-y.co": "o***@mail.x-y.co",
    "jane@x": "***",
    "jane@example.com.": "***",
    "jane@example..com": "***",
    "jane@-x.co": "***",
    "a@b@x.co": "***",
    "jane@x.co, ann@y.co": "***",
    "Jane <jane@x.co>": "***",
    "jane@x.co/512-555-0142": "***",
    '"a b"@x.co': "***",
    "jane@[192.0.2.7]": "***",
    "jane@ x.co": "***",
    "jane": "***",
    "": "",
}
NAMES = {
    "Jane": "J***",
    " Jane ": "J***",
    "O’Neil-Roe": "O***",
    "Élan": "É***",
    "Bo": "***",
    "李伟": "***",
    "Jane 2": "***",
    "Jane 512-555-0142": "***",
    "jane@x.co": "***",
    "Jane, 12 Main St": "***",
    "J" * 62: "***",
    "": "",
}
POSTS = {
    "76701": "767**",
    " 76701-1234 ": "767**",
    "K1A 0B1": "K1A**",
    "SW1A 1AA": "SW1**",
    "76701 Waco": "***",
    "76701, 76702": "***",
    "7670": "***",
    "": "",
}
IPS = {
    "10.1.2.3": "10.1.2.0/24",
    "2001:db8:1:2:3:4:5:6": "2001:db8:1::/48",
    "2001:db8:1::5": "2001:db8:1::/48",
    "10.1.2.300": "***",
    "010.1.2.3": "***",
    "10.1.2": "***",
    "10.1.2.3, 10.1.2.4": "***",
    "10.1.2.3:8080": "***",
    "fe80::1%eth0": "***",
    "2001:db8:1:2:3:4:5:6:7": "***",
    "1:2:3:jane": "***",
    "": "",
}
URLS = {
    "https://host.com/x?y=1#z": "https://host.com/***",
    "HTTPS://Host.com": "HTTPS://Host.com/***",
    " https://host.com/x ": "https://host.com/***",
    "https://ann:pw@host.com:8443/x": "https://host.com:8443/***",
    "https://[2001:db8::1]/x": "https://[2001:db8::1]/***",
    "http://ann@[::1]:80/": "http://[::1]:80/***",
    "https://münchen.example/": "https://münchen.example/***",
    "https://a@b:pw@host.com/x": "***",
    "https://ann roe.com/x": "***",
    "https://ann%40x.com/": "***",
    "https://ann_roe.com/": "***",
    "https://10.1.2.3:80/x": "https://10.1.2.3:80/***",
    "https://5125550142/": "***",
    "tel://512-555-0142": "***",
    "https://512.555.0142/": "***",
    "https://-x.com/": "***",
    "https://x..com/": "***",
    "https://host.com:pw/": "***",
    "https://host.com/a b": "***",
    "https://host.com\\@other.com/": "***",
    "https://ann:p/w@host.com": "***",
    "mailto:ann@x.co": "***",
    "host.com/x": "***",
    "https:///x": "***",
    "": "",
}
MASKS = [
    *((field, before, after) for field, cases in {"phone_1": PHONES, "email": EMAILS, "first_name": NAMES, "postal_code": POSTS,
      "ip_address": IPS, "landing_page": URLS}.items() for before, after in cases.items()),
    ("comments", "anything", "***"),
    ("city", "Waco", "***"),
    ("address_1", "12 Main St", "***"),
    ("user_agent", "Mozilla/5.0", "***"),
    ("dob", date(1990, 3, 5), "1990"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "before", "after"), MASKS)
def test_a_mask_shows_a_part_of_a_valid_value_only(field: str, before: Any, after: str) -> None:
    leads = [{field: None}, {field: before}, {field: None}]
    assert [masked_row[field] for masked_row in shown(leads, [field], {field: "mask"})] == [None, after, None]


SHOWN = {
    "phone_1": r"[*]{3,11}[0-9]{4}|[*]{3}",
    "email": r"[!-?A-~]?[*]{3}@[A-Za-z0-9.-]+|[*]{3}",
    "first_name": r"[^\W\d_]?[*]{3}",
    "postal_code": r"[A-Za-z0-9 ]{3}[*]{2}|[*]{3}",
    "ip_address": r"[0-9.]{5,11}[.]0/24|[0-9A-Fa-f:]{5,14}::/48|[*]{3}",
    "landing_page": r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#@]+/[*]{3}|[*]{3}",
}
VALUES = [value for cases in (PHONES, EMAILS, NAMES, POSTS, IPS, URLS) for value in cases]


@given(
    text=awkward.texts()
    | st.sampled_from(VALUES)
    | st.lists(st.sampled_from(VALUES) | awkward.texts(), min_size=2, max_size=3).map(" ".join)
    | st.tuples(st.sampled_from(VALUES), st.sampled_from(awkward.GLUE), st.sampled_from(VALUES)).map("".join)
)
def test_of_any_text_a_mask_shows_no_more_than_of_a_valid_value(text: str) -> None:
    masked_row = row(dict.fromkeys(SHOWN, text), tuple(SHOWN), dict.fromkeys(SHOWN, "mask"))
    for field, form in SHOWN.items():
        assert masked_row[field] == "" == text or re.fullmatch(form, masked_row[field]), field


INSIDE = [
    ("email", "jane@example.com", "j***@example.com"),
    ("email", "jane@example.com or 512-555-0142", "***"),
    ("phone_1", "213-555-8931", "******8931"),
    ("phone_1", 2135558931, "******8931"),
    ("phone_1", ["213-555-8931", None, ""], "***"),
    ("phone_1", {"raw": "213-555-8931"}, "***"),
    ("landing_page", "https://a@b:pw@host.com/x", "***"),
]


@pytest.mark.parametrize(("field", "before", "after"), INSIDE)
def test_the_same_mask_holds_inside_an_object(field: str, before: Any, after: Any) -> None:
    event = {"lead": json.dumps({field: before, "state": "TX"})}
    masked_lead = json.loads(
        row(event, ["lead"], {"lead": "redact", f"lead.{field}": "mask"}, "event")["lead"]
    )
    assert masked_lead == {field: after, "state": "TX"}


@pytest.mark.parametrize(
    "nested", ['{"raw":"zoe@quetzal.example","n":"Quetzal"}', '[{"tel":"213-555-8931"}]']
)
@pytest.mark.parametrize(
    "field", ["email", "phone_1", "first_name", "landing_page", "postal_code", "comments", "ip_address"]
)
def test_an_object_in_the_place_of_a_value_is_masked_as_a_whole(field: str, nested: str) -> None:
    assert value({field: nested}, field, "mask") == "***"


@pytest.mark.parametrize("field", ["email", "phone_1", "first_name", "comments", "landing_page"])
@pytest.mark.parametrize("word", WORDS)
def test_nothing_stays_nothing(word: str, field: str) -> None:
    leads: list[dict[str, Any]] = [{field: None}, {field: ""}, {field: None}]
    assert shown(leads, [field], {field: word}) == leads
    assert shown([], [field], {field: word}) == []


@pytest.mark.parametrize("field", ["email", "phone_1", "first_name", "address_1", "postal_code"])
def test_a_redacted_value_that_is_personal_from_end_to_end_is_stars(field: str) -> None:
    assert [
        masked_row[field] for masked_row in shown([{field: "x"}, {field: ""}], [field], {field: "redact"})
    ] == [
        "***",
        "",
    ]


@pytest.mark.parametrize("word", ["hash", "tokenize"])
def test_one_value_has_one_pseudonym_in_all_fields_and_objects_of_its_type(word: str) -> None:
    lead = {"email": "Jane@Example.com", "email_2": " jane@example.com"}
    masked_row = row(lead, ["email", "email_2"], {"email": word, "email_2": word})
    event = {"lead": '{"email":"JANE@example.com","email_2":null}'}
    words = {"lead": "redact", "lead.email": word, "lead.email_2": word}
    inside = json.loads(row(event, ["lead"], words, "event")["lead"])
    assert masked_row["email"] == masked_row["email_2"] == inside["email"] != "***"
    assert inside["email_2"] is None


def test_one_text_has_two_hashes_as_two_types() -> None:
    lead = {"first_name": "jane@example.com", "email": "jane@example.com"}
    masked_row = row(lead, ["first_name", "email"], {"first_name": "hash", "email": "hash"})
    assert masked_row["first_name"] != masked_row["email"]


def test_a_token_gives_back_no_number_that_is_never_exported() -> None:
    lead = {"comments": "mine is 987-65-4321, ask Jane", "ssn": None}
    token = value(lead, "comments", "tokenize")
    assert Opener(KEYS).open(token) == "mine is ***, ask Jane"


def test_a_token_within_an_object_gives_back_no_number_that_is_never_exported() -> None:
    texts = ["mine is 987654321, ask Jane", "hers is 123-45-6789"]
    privacy = {"lead": "redact", "lead.comments": "tokenize"}
    events = [{"lead": json.dumps({"comments": text}), "lead.ssn": "987-65-4321"} for text in texts]
    tokens = [
        json.loads(masked_row["lead"])["comments"] for masked_row in shown(events, ["lead"], privacy, "event")
    ]
    assert list(map(Opener(KEYS).open, tokens)) == ["mine is ***, ask Jane", "hers is ***"]


def test_a_mask_of_an_address_on_the_web_shows_no_number_that_is_never_exported() -> None:
    for number in ("987-65-4321", "987654321"):
        lead = {"landing_page": f"https://{number}.example.com/x", "ssn": "987654321"}
        assert "4321" not in value(lead, "landing_page", "mask")
    event = {"lead": json.dumps(lead), "lead.ssn": "987654321"}
    privacy = {"lead": "redact", "lead.landing_page": "mask"}
    assert "4321" not in shown([event], ["lead"], privacy, "event")[0]["lead"]


@pytest.mark.parametrize("word", ["hash", "tokenize"])
def test_a_token_or_hash_of_all_that_is_in_an_object_is_there_for_each_value(word: str) -> None:
    masked_object = json.loads(str(custom('{"a":"x","b":5,"c":["x",{"d":null}],"loan_amount":1.50}', word)))
    assert masked_object["a"] == masked_object["c"][0] != "x" and len(masked_object["a"]) > 20
    assert masked_object["b"] not in (5, None) and masked_object["b"] != masked_object["a"]
    assert masked_object["c"][1] == {"d": None}
