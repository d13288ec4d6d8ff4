"""Signs of Unicode and encodings count for the prefilter as what they are read as."""

from functools import cache
from html.entities import html5
from typing import Any

import pytest

from export_pipelines.mask import reading, recognise
from export_pipelines.mask.own import Own, own_of
from export_pipelines.mask.redact_columns import redactor
from export_pipelines_tests.mask.leads import shown


@cache
def signs() -> list[tuple[str, str]]:
    """Every sign beside ASCII that is read as something in ASCII, or as nothing, and what it is read as."""
    pairs = [
        (chr(code), reading.fold(chr(code))) for code in range(0x80, 0x110000) if not 0xD800 <= code < 0xE000
    ]
    return [(sign, plain) for sign, plain in pairs if plain.isascii()]


def alone(texts: list[str], own: Own) -> list[str]:
    return [redactor("text")(text, own) for text in texts]


def commented(texts: list[str], **lead: Any) -> list[str]:
    leads = [{"comments": text, **lead} for text in texts]
    return [masked_row["comments"] for masked_row in shown(leads, ["comments"], {"comments": "redact"})]


@pytest.mark.parametrize(
    "around", ["call 55501{0}{0}", "{0}555014", "555014{0}", "555{0}0142", "jane{0}x.co", "a {0} b"]
)
def test_every_sign_counts_as_what_it_is_read_as(around: str) -> None:
    texts = [around.format(sign) for sign, _ in signs()]
    assert commented(texts) == alone(texts, Own())


def test_every_letter_counts_as_what_it_is_read_as() -> None:
    letters = [(sign, plain) for sign, plain in signs() if plain.isalpha() or plain == ""]
    leads = [{"comments": f"so q{sign}z", "first_name": f"q{plain}z"} for sign, plain in letters]
    texts = [masked_row["comments"] for masked_row in shown(leads, ["comments"], {"comments": "redact"})]
    assert texts == ["so ***"] * len(leads)
    stored = [{"comments": f"so Q{plain}Z", "first_name": f"q{sign}z"} for sign, plain in letters]
    texts = [masked_row["comments"] for masked_row in shown(stored, ["comments"], {"comments": "redact"})]
    assert texts == ["so ***"] * len(stored)


@pytest.mark.parametrize(
    "text", ["987-{0}{0}{0}{0}65-4321", "9{0}87-65-4321", "987-65-4321{0}", "98765{0}{0}4321"]
)
@pytest.mark.parametrize("own", [None, "987-65-4321"])
def test_signs_that_are_not_shown_hide_no_number_without_privacy(text: str, own: str | None) -> None:
    texts = [text.format(sign) for sign, plain in signs() if plain == ""]
    leads = [{"comments": text, "ssn": own} for text in texts]
    values = own_of((("ssn", own),)) if own else Own()
    comments = [masked_row["comments"] for masked_row in shown(leads, ["comments"], {})]
    assert comments == [recognise.redact(text, values, (recognise.never_exported,)) for text in texts]


@pytest.mark.parametrize("around", ["555{}0142", "jane{}x.co", "x{}Jane", "98{}5-65-4321"])
def test_every_named_entity_counts_as_what_it_stands_for(around: str) -> None:
    texts = [around.format(f"&{name}") for name in html5 if name.endswith(";")]
    assert commented(texts, first_name="Jane") == alone(texts, own_of((("name", "Jane"),)))


@pytest.mark.parametrize(
    "encoding", ["%{:02X}", "%{:02x}", "%25{:02X}", "&#{};", "&#x{:x};", "\\u{:04x}", "\\\\u{:04X}"]
)
@pytest.mark.parametrize(
    "around",
    [
        "512{0}555{0}0142",
        "jane{0}x.co",
        "x{0}Jane",
        "Jane{0}x",
        "José{0}José",
        "3{0}5{0}1990",
        "987{0}65{0}4321",
        "ja{0}ne",
    ],
)
def test_every_encoded_sign_counts_as_what_it_stands_for(encoding: str, around: str) -> None:
    texts = [around.format(encoding.format(code)) for code in range(0x100)]
    lead = {"first_name": "Jane", "last_name": "José", "address_1": None}
    own = own_of((("name", "Jane"), ("name", "José")))
    assert commented(texts, **lead) == alone(texts, own)


@pytest.mark.parametrize("between", ["%20", "%2D", "%2d", "\\n", "%0A", " ", "\u200b", "&#45;", "%2520"])
@pytest.mark.parametrize("parts", [(3, 2, 4), (5, 4), (1, 8), (3, 3, 3), (1,) * 9])
def test_an_own_number_is_found_without_privacy_whatever_is_encoded_in_it(
    between: str, parts: tuple[int, ...]
) -> None:
    number, groups = "987654321", list[str]()
    for size in parts:
        groups, number = [*groups, number[:size]], number[size:]
    for text in (between.join(groups), f"x {between.join(groups)}, y"):
        (masked_row,) = shown([{"comments": text, "ssn": "987-65-4321"}], ["comments"], {})
        assert masked_row["comments"] == text.replace(between.join(groups), "***")
