"""What is one value is spelled in one way before it is hashed or tokenized."""

import unicodedata

import phonenumbers
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat

from export_pipelines.catalog.semantic_types import SEMANTIC_TYPES
from export_pipelines.mask import normalise
from export_pipelines.mask.normalise import normalised, normalised_all
from export_pipelines.transform.letters import Letters

TYPES = ["email", "phone", "name", "postal_code", "state", "text"]
TEXTS = st.text(max_size=12) | st.text("aZ é@\u0301\uff21\uff10\u3000\t0123456789()-.+x", max_size=16)
DIGITS = st.text("0123456789", min_size=9, max_size=12)


@st.composite
def punctuated(draw: st.DrawFn) -> str:
    """A run of digits with some of the signs between that people write in a phone number."""
    digits = draw(st.sampled_from(["", "1", "+1", "+", "0", "(+1"])) + draw(DIGITS)
    for place in sorted(draw(st.sets(st.integers(0, len(digits)), max_size=5)), reverse=True):
        digits = digits[:place] + draw(st.sampled_from([" ", "(", ")", "-", ".", ") ", "+"])) + digits[place:]
    return digits


def all_of(type: str, values: list[str]) -> list[str]:
    texts: list[str] = normalised_all(type, Letters(pa.array(values, pa.large_string()))).to_pylist()
    return texts


@pytest.mark.parametrize("type", TYPES)
@given(values=st.lists(TEXTS | punctuated(), max_size=8))
def test_a_column_is_normalised_as_each_of_its_values(type: str, values: list[str]) -> None:
    assert all_of(type, values) == [normalised(type, value) for value in values]


@given(values=st.lists(punctuated() | DIGITS, max_size=20))
def test_a_plain_phone_is_spelled_as_libphonenumber_spells_it(values: list[str]) -> None:
    for value, spelled in zip(values, all_of("phone", values), strict=True):
        try:
            number = phonenumbers.parse(value.strip(), "US")
        except phonenumbers.NumberParseException:
            assert spelled == value.strip()
            continue
        assert number.extension is None
        assert spelled == phonenumbers.format_number(number, PhoneNumberFormat.E164)


@pytest.mark.parametrize(
    "phone",
    [
        "2135558931",
        "12135558931",
        "+12135558931",
        "(213) 555-8931",
        "1-213-555-8931",
        "+1 213.555.8931",
        " 213 555 8931 ",
    ],
)
def test_a_phone_of_north_america_needs_no_parser(phone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = phone.strip()
    assert normalised("phone", phone) == "+12135558931"
    monkeypatch.setattr(normalise, "normalised", None)  # what is normalised alone fails now
    assert all_of("phone", [plain, "2135558931"]) == ["+12135558931"] * 2


@pytest.mark.parametrize(
    ("phone", "spelled"),
    [
        ("213-555-8931 x12", "+12135558931x12"),
        ("213-555-8931 ext. 12", "+12135558931x12"),
        ("+44 20 7946 0018", "+442079460018"),
        ("\uff12\uff11\uff13-555-8931", "+12135558931"),
        ("unknown", "unknown"),
        (" n/a ", "n/a"),
        ("0", "0"),
    ],
)
def test_a_phone_is_in_e164_and_else_stays(phone: str, spelled: str) -> None:
    assert all_of("phone", [phone]) == [spelled]


@pytest.mark.parametrize(
    ("type", "value", "spelled"),
    [
        ("email", "\x1c Jane@X.org ", "jane@x.org"),
        ("email", "\uff2a\uff41\uff4e\uff45\uff20\uff58.org", "jane@x.org"),
        ("email", "Ä@x.org", "ä@x.org"),
        ("email", "\u212a@x.org", "k@x.org"),  # the sign of Kelvin
        ("name", " Jose\u0301 ", "Jos\u00e9"),
        ("name", "McDonald", "McDonald"),
        ("name", "De La Cruz", "De La Cruz"),
        ("name", "\u3000\uff2c\uff45\uff45", "Lee"),
        ("name", "\uff8a\uff9d", "\u30cf\u30f3"),  # narrow katakana
        ("name", "\ufb01", "\ufb01"),  # a ligature is no matter of width
        ("city", "S\u00e3o  Paulo", "S\u00e3o  Paulo"),
        ("postal_code", " k1a 0b1", "K1A 0B1"),
        ("state", "tx", "TX"),
        ("text", "\u00a0x\u00a0", "x"),
        ("name", " \t ", ""),
    ],
)
def test_a_value_is_spelled_in_one_way(type: str, value: str, spelled: str) -> None:
    assert all_of(type, [value, "A"])[0] == spelled


@pytest.mark.parametrize("type", SEMANTIC_TYPES)
@given(value=TEXTS)
def test_the_spelling_is_settled_at_once(type: str, value: str) -> None:
    once = normalised(type, value)
    assert normalised(type, once) == once
    assert unicodedata.is_normalized("NFC", once)


def test_values_in_ascii_are_not_touched_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(normalise, "normalised", None)
    assert all_of("name", ["De La Cruz", "O'Neil", ""]) == ["De La Cruz", "O'Neil", ""]
    assert all_of("email", ["Jane@X.org", ""]) == ["jane@x.org", ""]
    assert all_of("state", ["tx"]) == ["TX"]
