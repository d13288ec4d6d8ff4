"""Social security numbers and credentials in objects: under their key, as a key, or in a text, with privacy or without."""

import json

import pytest

from export_pipelines_tests.mask.leads import custom, row


@pytest.mark.parametrize(
    "key",
    ["ssn", "SSN", "Ssn", "social_security", "Social Security Number", "ssn_last4", "SSNLast4", "S.S.N.", "S. S. N.", "ss#", "customer-ssn",
     "ＳＳＮ", "s\u200bsn", "password", "PassWord", "api_key", "api//key", "oauth[access][token]", "p-w-d", 'ssn "last"', "last 4 of social"],
)  # fmt: skip
@pytest.mark.parametrize("value", ['"4321"', "4321", "true", '{"a":"x"}', '["4321"]', '""'])
def test_a_key_named_like_a_never_exported_type_is_null_at_any_depth(key: str, value: str) -> None:
    name = json.dumps(key, ensure_ascii=False)
    for text, after in (
        (f'{{"a":1.10,{name}:{value}}}', f'{{"a":1.10,{name}:null}}'),
        (f'{{"a":[{{"b":{{{name} : {value}}}}}]}}', f'{{"a":[{{"b":{{{name}:null}}}}]}}'),
        (f"[{{{json.dumps(key)}:{value}}}]", f"[{{{name}:null}}]"),
    ):
        assert custom(text) == after
        assert custom(text, None) == after
        assert custom(text, "keep") == after


def test_a_key_that_has_such_a_name_by_chance_stays() -> None:
    text = (
        '{"classname":"x","addressnr": 4321,"assn":"4321","social_media":"none","passenger":"two","monkey":1}'
    )
    assert custom(text) == text
    assert custom(text, None) == text


def test_such_a_key_without_a_value_stays_byte_for_byte() -> None:
    assert custom('{"ssn": null}', None) == '{"ssn": null}'


@pytest.mark.parametrize(
    "text", ['{"ssn":"4321","ssn":null}', '{"a":"987-65-4321","a":1}', '{"s\\u0073n":"4321"}']
)
def test_the_same_holds_without_privacy(text: str) -> None:
    assert "4321" not in str(custom(text, None))


def test_keys_that_hold_a_never_exported_number_are_redacted_without_privacy() -> None:
    assert custom('{"987-65-4321":1}', None) == '{"***":1}'
    assert custom('{"987654321":1}', None, ssn="987-65-4321") == '{"***":1}'


@pytest.mark.parametrize(
    "number",
    [
        *("987654321", '"987654321"', '"98765 4321"', '"9 8 7 6 5 4 3 2 1"', "987654321.0", "987654321.00"),
        *("-987654321", "9.87654321E8", "98765432100e-2"),
    ],
)
def test_an_own_number_that_is_never_exported_goes_out_in_no_spelling(number: str) -> None:
    lead = {"custom": f'{{"a":[{number}]}}', "ssn": "987-65-4321"}
    assert "98" not in str(row(lead, ["custom"], {})["custom"])
    assert "98" not in str(row(lead, ["custom"], {"custom": "keep"})["custom"])


def test_an_own_number_that_begins_with_zero_goes_out_as_no_number() -> None:
    assert custom('{"a":12345678}', None, ssn="012-34-5678") == '{"a":null}'


@pytest.mark.parametrize("value", ["987654321", "987-65-4321", "98765 4321"])
def test_a_kept_value_within_a_redacted_object_loses_what_is_never_exported(value: str) -> None:
    lead = {"appended": json.dumps({"geo": {"city": value}, "x": "Zoë"}), "ssn": "987-65-4321"}
    appended = row(lead, ["appended"], {"appended": "redact", "appended.geo.city": "keep"})["appended"]
    assert json.loads(appended) == {"geo": {"city": "***"}, "x": "Zoë"}
