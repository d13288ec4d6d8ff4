"""JSON objects: declared values follow their own word, all others the object's, and what is not hidden stays byte for byte."""

import json
from typing import Any

import pytest

from export_pipelines.errors import DataError
from export_pipelines_tests.mask.leads import custom, row, shown

PERSON = {
    "first_name": "Zoë",
    "last_name": "Núñez-O'Hara",
    "address_1": "12 Quetzal Lane",
    "ssn": "987-65-4321",
}
WORDS = {"lead": "redact"}


def snapshot(text: str, words: dict[str, str] = WORDS, **lead: Any) -> str | None:
    """The snapshot of a lead in an event; `lead` are values of it that the source reads beside."""
    masked_lead: str | None = row(
        {"lead": text} | {f"lead.{id}": value for id, value in lead.items()}, ["lead"], words, "event"
    )["lead"]
    return masked_lead


UNTOUCHED = [
    '{"a": 1.10,  "b":"x"}',
    "[]",
    "{}",
    "null",
    "true",
    ' "x" ',
    "-0.0",
    '{"n":[1e5,1E400,-0,0.10,12345678,12345678.0,5125550142.5,0.123456789012345678]}',
    '{"b":true,"a":false,"B":null,"":""}',
    '{"z":1,\n\t"y":{"x":[ ]},"a":"\\u0041\\/\\n"}',
    '{"product_type":"ann@one.test 512-555-0142 Zoë","loan_amount":987654321987654321987654321,"homeowner":"987-65-4321"}',
    '{"loan_amount":  1.10,"utm_campaign":["Zoë",{"ssn":5125550142}]}',
    '{"note":"größer & kleiner, 100%"}',
]  # fmt: skip


@pytest.mark.parametrize("text", UNTOUCHED)
def test_an_object_in_which_nothing_is_hidden_stays_byte_for_byte(text: str) -> None:
    assert custom(text, **PERSON) == text
    assert custom(text, None, ssn="987-65-4321") == text


@pytest.mark.parametrize("text", UNTOUCHED)
def test_such_an_object_stays_beside_others_that_change(text: str) -> None:
    changed = '{"note":"ann@one.test"}'
    leads = [{"custom": note, **PERSON} for note in (changed, text, None, changed)]
    objects = [masked_row["custom"] for masked_row in shown(leads, ["custom"], {"custom": "redact"})]
    assert objects == ['{"note":"***"}', text, None, '{"note":"***"}']


def test_the_numbers_the_order_and_the_types_stay_in_an_object_that_changes() -> None:
    text = '{"z":1.10,"mail":"ann@one.test","a":[1e5,-0,0.10,12345678],"b":true,"c":null,"loan_amount":123456789012.50,"e":""}'
    assert custom(text) == text.replace("ann@one.test", "***")


@pytest.mark.parametrize(
    ("number", "after"),
    [
        ("5125550142", "null"),
        ("-512555014", "null"),
        ("123456789", "null"),
        ("12345678", "12345678"),
        ("123456789.5", "123456789.5"),
        ("1.123456789", "1.123456789"),
        ("1e123456789", "1e123456789"),
        ("5125550142.0", "null"),
        ("5.125550142E9", "null"),
        ("-5125550142.00", "null"),
        ("512555014200e-2", "null"),
        ("5125550142e-1", "5125550142e-1"),
        ("12345678.0", "12345678.0"),
        ("1e5", "1e5"),
    ],
)
def test_an_undeclared_whole_number_of_nine_digits_is_null(number: str, after: str) -> None:
    assert custom(f'{{"a": {number}}}') == ('{"a":null}' if after == "null" else f'{{"a": {number}}}')
    assert custom(f'{{"a":[0,{{"b":{number}}}]}}') == f'{{"a":[0,{{"b":{after}}}]}}'
    assert custom(number) == after
    assert custom(f" [ {number}\n]") in (f"[{after}]", f" [ {after}\n]")


NOTES = [
    "ann@one.test",
    "write to Ann@ONE.test, please",
    "512_555_0142",
    "call +1 (512) 555.0142 after five",
    "Mrs NÚÑEZ-O'HARA called",
    "zoe",
    "at 12 quetzal  LANE",
    "987-65-4321",
    5125550142,
    {"deep": ["x", "ann@one.test"]},
    {"ann@one.test": True},
    [["ann@one.test"]],
]


@pytest.mark.parametrize("note", NOTES, ids=str)
@pytest.mark.parametrize("ascii_only", [False, True], ids=["plain", "escaped"])
def test_what_is_not_declared_is_redacted_at_any_depth(note: Any, ascii_only: bool) -> None:
    masked_text = custom(
        json.dumps({"note": note, "more": [{"note": note}]}, ensure_ascii=ascii_only), **PERSON
    )
    plain = json.dumps(json.loads(str(masked_text)), ensure_ascii=False).casefold()
    assert not any(
        word in plain for word in ("ann@", "one.test", "0142", "555", "nú", "hara", "zo", "quetzal", "4321")
    )
    assert "***" in plain or "null" in plain


def test_json_within_json_is_redacted_as_a_text() -> None:
    inner = json.dumps({"a": "512\n555\n0142", "b": json.dumps({"mail": "ann@one.test"})})
    masked_text = str(custom(json.dumps({"note": inner})))
    assert "0142" not in masked_text and "ann" not in masked_text


@pytest.mark.parametrize(
    "text",
    [
        '{"note":"ann@one.test","note":"x"}',
        '{"note":"Zoë","note":"x"}',
        '{"deep":{"mail":"ann@one.test","mail":null}}',
        '{"s\\u0073n":"4321","x":1}',
        '{"ssn":"4321","ssn":null}',
        '{"ssn":"4321","s\\u0073n":null}',
        '{"no\\u0074e":"ann\\u0040one.test"}',
        '{"mail":"ann\\u0040one.test","m\\u0061il":"ann@one.test"}',
    ],
)
def test_nothing_goes_out_by_a_key_that_stands_twice_or_is_escaped(text: str) -> None:
    masked_text = str(custom(text, **PERSON))
    assert not any(secret in masked_text for secret in ("ann", "one.test", "Zoë", "4321"))
    json.loads(masked_text)


def test_keys_that_are_personal_are_redacted_and_no_entry_is_lost() -> None:
    entries = {
        "ann@one.test": 1,
        "bob@one.test": 2,
        "512-555-0142": 3,
        "Zoë": 4,
        "***": 5,
        "a": 6,
        "ann@one.test ": 7,
    }
    masked_object = json.loads(str(custom(json.dumps(entries), **PERSON)))
    assert list(masked_object.values()) == [1, 2, 3, 4, 5, 6, 7]
    assert not any(part in key for key in masked_object for part in ("ann", "bob", "0142", "Zo"))
    assert masked_object["a"] == 6


@pytest.mark.parametrize(
    "text", ['{"note":"\\ud800 ann@one.test","x":"é"}', '{"\\uDC00":"x"}', '["\\ude00\\ud83d"]']
)
def test_half_a_character_is_refused(text: str) -> None:
    """Many readers of JSON refuse the whole file for it."""
    with pytest.raises(DataError, match="JSON with half a character"):
        custom(text)


def test_declared_values_follow_their_own_words() -> None:
    text = (
        '{"email":"jane@example.com","phone_1":"512-555-0142","first_name":"Jane","city":"Waco","state":"TX","price":1.50,'
        '"comments":"Jane of Waco","custom":{"loan_amount":25000.00,"note":"Jane"},"other":"Jane"}'
    )
    words = {
        "lead": "redact", "lead.email": "mask", "lead.phone_1": "remove", "lead.city": "keep", "lead.first_name": "hash",
    }  # fmt: skip
    masked_lead = json.loads(str(snapshot(text, words, first_name="Jane")), parse_float=str)
    assert len(masked_lead.pop("first_name")) == 41
    assert masked_lead == {
        "email": "j***@example.com", "phone_1": None, "city": "Waco", "state": "TX", "price": "1.50",
        "comments": "*** of Waco", "custom": {"loan_amount": "25000.00", "note": "***"}, "other": "***",
    }  # fmt: skip


def test_an_object_within_an_object_has_a_word_of_its_own() -> None:
    text = '{"comments":"ann@one.test","other":"ann@one.test","custom":{"note":"ann@one.test","n":[{"a":1}],"loan_amount":5}}'
    for word, note, number in (("redact", "***", 1), ("mask", "***", "***"), ("keep", "ann@one.test", 1)):
        masked_lead = json.loads(str(snapshot(text, {"lead": "redact", "lead.custom": word})))
        expected = {"note": note, "n": [{"a": number}], "loan_amount": 5}
        assert masked_lead == {"comments": "***", "other": "***", "custom": expected}
    gone = json.loads(str(snapshot(text, {"lead": "redact", "lead.custom": "remove"})))
    assert gone == {"comments": "***", "other": "***", "custom": None}


def test_a_kept_object_within_a_redacted_one_is_as_it_was() -> None:
    text = '{"comments":"x","custom":{"note":"Zoë, ann@one.test","n":5125550142}}'
    assert snapshot(text, {"lead": "redact", "lead.custom": "keep"}, first_name="Zoë") == text


@pytest.mark.parametrize(("word", "after"), [("mask", "***"), ("remove", None)])
def test_everything_undeclared_follows_the_word_of_the_object(word: str, after: str | None) -> None:
    text = '{"product_type":"stays","loan_amount":1.10,"other":"goes","n":7,"nothing":null,"list":["a",{"b":true}],"empty":""}'
    masked_lead = json.loads(
        str(row({"custom": text}, ["custom"], {"custom.*": word, "custom": "redact"})["custom"])
    )
    empty = None if word == "remove" else ""
    assert masked_lead == {
        "product_type": "stays", "loan_amount": 1.1, "other": after, "n": after, "nothing": None,
        "list": [after, {"b": after}], "empty": empty,
    }  # fmt: skip


@pytest.mark.parametrize("word", ["hash", "mask", "tokenize"])
def test_what_is_redacted_in_a_hidden_object_loses_the_own_values_of_its_row(word: str) -> None:
    words = {"lead": word, "lead.comments": "redact"}
    masked_lead = json.loads(
        snapshot('{"comments":"Zoë, 12 Quetzal Lane","note":"x"}', words, **PERSON) or ""
    )
    assert masked_lead["comments"] == "***, ***"
    assert masked_lead["note"] != "x"


def test_a_url_within_an_object_keeps_what_a_url_keeps() -> None:
    url = "https://ann:pw@x.example/a?utm_source=b&name=jane#f"
    for value in (url, url.replace("/", "\\/"), url.replace("?", "\\u003f")):
        masked_lead = json.loads(str(snapshot(f'{{"landing_page":"{value}"}}')))
        assert masked_lead == {"landing_page": "https://x.example/a?utm_source=b"}


@pytest.mark.parametrize(
    ("value", "after"),
    [
        ('["https://x.example/?name=jane"]', ["https://x.example/"]),
        ('{"first":"https://x.example/?name=jane"}', {"first": "https://x.example/"}),
        ('"https://x.example/\\"a\\",b?name=jane"', 'https://x.example/"a",b'),
        ('"https://x.example/}#jane"', "https://x.example/}"),
    ],
)
def test_a_url_is_redacted_wherever_it_stands_below_its_key(value: str, after: Any) -> None:
    assert json.loads(str(snapshot(f'{{"landing_page":{value}}}'))) == {"landing_page": after}


def test_a_value_of_a_closed_type_within_an_object_stays_where_it_is_valid() -> None:
    text = '{"gender":"female","ip_address":"192.168.100.200","dob":"1990-03-05"}'
    assert snapshot(text) == text
    wrong = '{"gender":"ann@one.test","ip_address":"512-555-0142"}'
    assert snapshot(wrong) == '{"gender":"***","ip_address":"***"}'


@pytest.mark.parametrize(
    "stored", ['{"geo":[{"city":"Zoë"}]}', '[{"geo":{"city":"Zoë"}}]', '[[{"geo":[[{"city":["Zoë"]}]]}]]']
)
@pytest.mark.parametrize("word", ["mask", "hash", "remove"])
def test_a_word_holds_where_a_list_stands_around_its_object(stored: str, word: str) -> None:
    lead = {"appended": stored}
    appended = str(row(lead, ["appended"], {"appended": "keep", "appended.geo.city": word})["appended"])
    assert "Zo" not in appended and "geo" in appended


def test_an_object_after_one_with_a_key_twice_stays_as_it_is() -> None:
    texts = ['{"a":"x","a":"\\u0061@example.com"}', '{"a": "\\u00e9"}', '{"a":1,"a":2}']
    objects = [
        masked_row["custom"]
        for masked_row in shown([{"custom": text} for text in texts], ["custom"], {"custom": "redact"})
    ]
    assert objects == ['{"a":"x"}', texts[1], texts[2]]


def test_each_object_is_redacted_with_the_values_of_its_own_row() -> None:
    text = '{"to":"Ann and Bob"}'
    leads = [{"custom": text, "first_name": name} for name in ("Ann", "Bob", None, "Carl")]
    objects = [masked_row["custom"] for masked_row in shown(leads, ["custom"], {"custom": "redact"})]
    assert objects == ['{"to":"*** and Bob"}', '{"to":"Ann and ***"}', text, text]


def test_two_objects_of_a_row_are_redacted_each() -> None:
    lead = {"custom": '{"a":"Ann"}', "appended": '{"geo":{"city":"Ann"},"b":"x"}', "first_name": "Ann"}
    masked_row = row(lead, ["custom", "appended"], {"custom": "redact", "appended": "redact"})
    assert masked_row == {"custom": '{"a":"***"}', "appended": '{"geo":{"city":"***"},"b":"x"}'}
