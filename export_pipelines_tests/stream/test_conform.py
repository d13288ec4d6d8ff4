"""Texts become values exactly, whether all of a batch are plainly spelled or one is not."""

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from export_pipelines.catalog import Kind
from export_pipelines.errors import DataError
from export_pipelines.plan.plan import SourceColumn
from export_pipelines.stream.conform import conform

ODDLY = {Kind.DECIMAL: " +1.5 ", Kind.DATE: "2024-02-29T00:00:00Z"}


def values(kind: Kind, *texts: str | None) -> list[Any]:
    columns = (SourceColumn(name="it", kind=kind, type="text", scale=2 if kind is Kind.DECIMAL else None),)
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
def test_a_value_is_the_same_in_all_company(kind: Kind, text: str | None, value: Any):
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
def test_what_is_no_value_is_refused_in_all_company(kind: Kind, text: str):
    for company in ((), (ODDLY[kind],)):
        with pytest.raises(DataError, match="a stored value is not a"):
            values(kind, text, *company)
