"""Whole columns are hidden at once, and each value as it would be alone."""

import hmac

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipelines.plan.plan import Mask
from export_pipelines.stream import Keys
from export_pipelines.stream.mask_values import masked
from export_pipelines.stream.pseudonyms import canonical, detokenise

KEYS = Keys(hash_key=b"k" * 40, master_key=b"m" * 40)
VALUES = st.lists(
    st.none() | st.text(max_size=20) | st.text("0123456789+() -xX", max_size=16) | st.emails(), max_size=8
)


def hidden(values: list[str | None], type: str, mask: Mask, keys: Keys = KEYS) -> list[str | None]:
    return masked(pl.Series(values, dtype=pl.String), type, mask, keys).to_list()


@pytest.mark.parametrize("type", ["email", "phone", "name"])
@given(values=VALUES, key=st.binary(min_size=1, max_size=130))
def test_a_hash_is_the_hmac_of_the_canonical_spelling(type: str, values: list[str | None], key: bytes):
    alone = [
        value and hmac.new(key, canonical(type, value).encode(), "sha256").hexdigest() for value in values
    ]
    assert hidden(values, type, Mask.HASH, Keys(hash_key=key)) == alone


@pytest.mark.parametrize(
    ("value", "same"),
    [("\x1c A@X.org ", "a@x.org"), ("Ä@x.org", "ä@x.org"), ("K@x.org", "k@x.org")],
)
def test_an_address_is_hashed_alike_however_it_was_typed(value: str, same: str):
    assert len(set(hidden([value, same], "email", Mask.HASH))) == 1


@pytest.mark.parametrize("value", ["12135558931", "+1 (213) 555-8931", "213.555.8931 ", "2135558931"])
def test_a_phone_is_hashed_alike_however_it_was_typed(value: str):
    assert len(set(hidden([value, "2135558931"], "phone", Mask.HASH))) == 1


@given(values=VALUES)
def test_a_token_gives_its_value_back(values: list[str | None]):
    tokens = hidden(values, "name", Mask.TOKENIZE)
    assert [token and detokenise(token, KEYS) for token in tokens] == values


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("2135558931", "******8931"),
        ("+1 (213) 555-8931", "*******8931"),
        ("5558931", "***8931"),
        ("558931", "***"),
        ("unknown", "***"),
        ('{"raw": "2135558931"}', "***"),
        (" [2135558931]", "***"),
        ("213555893\u0661", "******893\u0661"),
        ("\uff12\uff11\uff13555893\uff11", "******893\uff11"),
        ("", ""),
        (None, None),
    ],
)
def test_of_a_phone_the_last_four_digits_are_shown(phone: str | None, shown: str | None):
    assert hidden(["2135558932", phone, "5550000"], "phone", Mask.MASK)[1] == shown


@pytest.mark.parametrize("mask", [Mask.HASH, Mask.MASK, Mask.TOKENIZE])
@pytest.mark.parametrize("type", ["email", "phone", "name", "text"])
def test_nothing_stays_nothing(mask: Mask, type: str):
    assert hidden([], type, mask) == []
    assert hidden([None, "", None], type, mask) == [None, "", None]
