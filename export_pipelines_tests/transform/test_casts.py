"""Texts become values exactly, whether all of a batch are plainly spelled or one is not."""

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from export_pipelines.catalog import Kind
from export_pipelines.errors import DataError
from export_pipelines.plan.query.query import SourceColumn
from export_pipelines.transform.casts import conform

ODDLY = {Kind.DECIMAL: " +1.5 ", Kind.DATE: "2024-02-29T00:00:00Z"}


def values(kind: Kind, *texts: str | None, scale: int = 2) -> list[Any]:
    places = scale if kind is Kind.DECIMAL else None
    columns = (SourceColumn(name="it", kind=kind, type="text", scale=places),)
    return conform(pa.record_batch({"it": pa.array(texts, pa.string())}), columns)["it"].to_list()


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Kind.DECIMAL, "12.3", Decimal("12.30")),
        (Kind.DECIMAL, "-0.5000", Decimal("-0.50")),
        (Kind.DECIMAL, ".5", Decimal("0.50")),
        (Kind.DECIMAL, "9" * 36, Decimal("9" * 36)),
        (Kind.DECIMAL, None, None),
        (Kind.DATE, "2024-02-29", date(2024, 2, 29)),
        (Kind.DATE, "0001-01-01", date(1, 1, 1)),
        (Kind.DATE, None, None),
    ],
)
def test_a_value_is_the_same_in_all_company(kind: Kind, text: str | None, value: Any) -> None:
    assert values(kind, text) == [value]
    assert values(kind, text, ODDLY[kind])[0] == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.DECIMAL, "1.239"),
        (Kind.DECIMAL, "1e2"),
        (Kind.DECIMAL, "9" * 37),
        (Kind.DECIMAL, "9" * 39),  # more than 128 bits hold
        (Kind.DECIMAL, "NaN"),
        (Kind.DECIMAL, ""),
        (Kind.DATE, "2023-02-29"),
        (Kind.DATE, "2024-02-29T10:00"),
        (Kind.DATE, "10000-01-01"),
        (Kind.DATE, ""),
    ],
)
def test_what_is_no_value_is_refused_in_all_company(kind: Kind, text: str) -> None:
    for company in ((), (ODDLY[kind],)):
        with pytest.raises(DataError, match="a stored value is not a"):
            values(kind, text, *company)


@pytest.mark.parametrize("scale", [0, 3, 4, 11, 18])
def test_of_38_digits_none_is_lost_and_none_is_invented(scale: int) -> None:
    whole = "9" * (38 - scale)
    most = f"{whole}.{'9' * scale}" if scale else whole
    assert values(Kind.DECIMAL, most, f"-{most}", scale=scale) == [Decimal(most), Decimal(f"-{most}")]
    for digits in range(39 - scale, 46):
        for text in (f"7{'0' * (digits - 1)}", "343185254452116622593625348491294132491294132"[:digits]):
            with pytest.raises(DataError):
                values(Kind.DECIMAL, text, scale=scale)


@pytest.mark.parametrize(
    ("kind", "array", "value"),
    [
        (Kind.DECIMAL, pa.array([5]), Decimal("5.00")),
        (Kind.DECIMAL, pa.array([Decimal("1.5")]), Decimal("1.50")),
        (Kind.DECIMAL, pa.nulls(1), None),
        (Kind.DATE, pa.nulls(1), None),
    ],
)
def test_values_of_other_types_are_read_as_their_texts(kind: Kind, array: pa.Array, value: Any) -> None:
    columns = (SourceColumn(name="it", kind=kind, type="text", scale=2 if kind is Kind.DECIMAL else None),)
    assert conform(pa.record_batch({"it": array}), columns)["it"].to_list() == [value]
