"""Whole columns are hidden at once, and each value as it would be alone."""

import polars as pl
import pytest

from export_pipelines.plan.plan import Mask
from export_pipelines.stream import Keys
from export_pipelines.stream.mask_values import masked

KEYS = Keys.from_bytes(b"k" * 40, b"m" * 40)


def hidden(values: list[str | None], type: str, mask: Mask, keys: Keys = KEYS) -> list[str | None]:
    return masked(pl.Series(values, dtype=pl.String), type, mask, keys).to_list()


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
