"""A part of a value is given where the value is valid, and is null anywhere else."""

import json
from typing import Any

import pytest

from export_pipelines.catalog.semantic_types import SEMANTIC_TYPES
from export_pipelines_tests.mask.leads import row

FIELDS = {
    "email": "email",
    "phone": "phone_1",
    "postal_code": "postal_code",
    "url": "landing_page",
    "ip": "ip_address",
}


def parts(type: str, value: str | None) -> dict[str, Any]:
    """All parts of a value, in an export without privacy."""
    field = FIELDS[type]
    names = SEMANTIC_TYPES[type].components
    components = row({field: value}, [f"{field}.{name}" for name in names], {})
    return {name: components[f"{field}.{name}"] for name in names}


INVALID = {
    "email": [
        "", "jane", "@", "jane@", "@x.co", "jane@x", "a@b@x.co", "jane@x.co, ann@y.co", "Jane <jane@x.co>", "jane@x.co Jane",
        "jane@x.co/512-555-0142", "jane@x..co", "jane@x.co.", "jane@.x.co", "jane roe@x.co", "jane@x.co512", "jane@5.55", "jane@x_y.co",
        '{"a":"jane@x.co"}', "jane\u200b@x.co",
    ],
    "phone": [
        "", "Jane", "555", "x12", "512-555-0142 / 512-555-0143", "5125550142 5125550143", "512-555-0142 Jane", "512-555-0142 x5125550143",
        "25125550142", "5125550142x", "512_555_0142", "٥١٢٥٥٥٠١٤٢", "+1 512 555 0142 512 555 0143", "{512-555-0142}", "512-555-0142,512",
    ],
    "postal_code": ["", "7670", "767011", "76701 Waco", "76701,76702", "76701-12345", "K1A", "K1A 0B1 X", "Waco 76701", "７６７０１"],
    "url": [
        "", "host.com", "https://", "https:///x", "https://a@b:pw@host.com/x", "https://ann roe.com", "https://ann%40x.com/", "https://x..com",
        "https://-x.com", "https://host.com:pw/", "https://[::1/", "https://host.com/a b", "https://ann_roe.com", "https://host.com\\x",
        "https://a.com, https://b.com", "1https://host.com", "mailto:ann@x.co", "https://ann@host.com@other.com", "https://5125550142/", "tel://512-555-0142", "https://512.555.0142/x",
    ],
    "ip": ["", "10.1.2", "10.1.2.300", "10.1.2.3, 10.1.2.4", "10.1.2.3 Jane", "1:2:3:jane", ":::", "fe80::1%eth0", "10.1.2.3/24"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("type", "value"), [(type, value) for type, values in INVALID.items() for value in values]
)
def test_nothing_is_given_of_a_value_that_is_not_valid(type: str, value: str) -> None:
    components = parts(type, value)
    assert (
        type == "phone" or components.pop("valid") is False
    )  # libphonenumber says it of a phone, and knows more forms
    components.pop("valid", None)
    assert set(components.values()) == {None}


@pytest.mark.parametrize("type", FIELDS)
def test_nothing_is_given_of_null(type: str) -> None:
    assert set(parts(type, None).values()) == {None}


VALID = [
    ("email", "Jane.Roe@Mail.Example.com", {"user": "Jane.Roe", "domain": "mail.example.com", "host": "mail.example", "tld": "com"}),
    ("email", " o'neil+a@gmail.com\n", {"user": "o'neil+a", "domain": "gmail.com", "is_free": True, "valid": True}),
    ("phone", "512-555-0142", {"area": "512", "exchange": "555", "line": "0142", "number": "5550142", "extension": None}),
    ("phone", "+1 (512) 555-0142", {"area": "512", "exchange": "555", "line": "0142", "country_code": "1"}),
    ("phone", "1.512.555.0142", {"area": "512", "line": "0142", "is_tollfree": False}),
    ("phone", "512-555-0142 x12", {"area": "512", "line": "0142", "extension": "12"}),
    ("phone", "(512) 555-0142 ext. 12", {"area": "512", "line": "0142", "extension": "12"}),
    ("phone", "512-555-0142 extension 12", {"area": "512", "line": "0142", "extension": "12"}),
    ("phone", "512-555-0142 ext: 12", {"area": "512", "line": "0142", "extension": "12"}),
    ("phone", "512-555-0142 x12 ", {"area": "512", "line": "0142", "extension": "12"}),
    ("phone", "+44 20 7946 0958", {"area": None, "country_code": "44", "valid": True}),
    ("phone", "5550142", {"area": None, "line": None}),
    ("postal_code", "76701-1234", {"zip": "76701", "four": "1234", "country_code": "US"}),
    ("postal_code", "k1a0b1", {"fsa": "K1A", "ldu": "0B1", "country_code": "CA", "zip": None}),
    ("postal_code", "SW1A 1AA", {"outcode": "SW1A", "incode": "1AA", "country_code": "GB"}),
    ("url", "https://host.com:8443/x/y?a=b#c", {"protocol": "https", "host": "host.com", "port": 8443, "path": "/x/y", "query": "a=b"}),
    ("url", "HTTP://Ann:pw@Host.com", {"protocol": "http", "host": "host.com", "port": None, "path": None, "query": None}),
    ("url", "https://[2001:db8::1]:80/x", {"host": "[2001:db8::1]", "port": 80}),
    ("url", "https://münchen.example./", {"host": "münchen.example.", "valid": True}),
    ("ip", "10.1.2.3", {"version": 4, "valid": True}),
    ("ip", "2001:db8::1", {"version": 6, "valid": True}),
    ("ip", "::ffff:10.1.2.3", {"version": 6, "valid": True}),
]  # fmt: skip


@pytest.mark.parametrize(("type", "value", "expected"), VALID)
def test_parts_of_a_valid_value_are_given(type: str, value: str, expected: dict[str, Any]) -> None:
    components = parts(type, value)
    assert {name: components[name] for name in expected} == expected


def test_parts_hold_no_number_that_is_never_exported() -> None:
    lead = {"landing_page": "https://x.example/a?id=987-65-4321", "address_1": "12 987-65-4321"}
    components = row(lead, ["landing_page.query", "landing_page.path", "address_1.name"], {})
    assert "4321" not in json.dumps(components)
