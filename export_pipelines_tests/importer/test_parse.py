"""Cells become values of their type exactly, or are refused in words that do not quote them."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from export_pipelines.importer.parse import Unfit, outcome, parser_of


@pytest.mark.parametrize(
    ("type_name", "text", "value"),
    [
        ("timestamp", "2023-08-25", datetime(2023, 8, 25, tzinfo=UTC)),
        ("timestamp", "2024-01-15T10:30:45.123Z", datetime(2024, 1, 15, 10, 30, 45, 123_000, UTC)),
        ("timestamp", "2024-01-15 10:30", datetime(2024, 1, 15, 10, 30, tzinfo=UTC)),
        ("timestamp", "2024-01-15 00:30:00 +0200", datetime(2024, 1, 14, 22, 30, tzinfo=UTC)),
        ("timestamp", "2024-01-15T10:30:45.123999999Z", datetime(2024, 1, 15, 10, 30, 45, 123_000, UTC)),
        ("dob", "1980-02-29", date(1980, 2, 29)),
        ("boolean", "Yes", True),
        ("boolean", "F", False),
        ("currency", "25", Decimal("25.00")),
        ("currency", "$1,234.50", Decimal("1234.50")),
        ("currency", "-0.10", Decimal("-0.10")),
        ("number", "0.1000000000000000055511151231257827", Decimal("0.1000000000000000055511151231257827")),
        ("integer", "9223372036854775807", 2**63 - 1),
        ("object", '{"a": 1.50}', {"a": Decimal("1.50")}),
        ("text", " 007 ", " 007 "),
        ("postal_code", "02134", "02134"),
        ("text", "N/A", "N/A"),
    ],
)
def test_a_cell_is_read_as_its_type(type_name: str, text: str, value: object) -> None:
    parsed = parser_of(type_name)(text)
    assert parsed == value
    assert str(parsed) == str(value)


@pytest.mark.parametrize(
    ("type_name", "text"),
    [
        ("timestamp", "25/08/2023"),
        ("timestamp", "2023-02-30"),
        ("timestamp", "0001-01-01T00:00:00+05:00"),
        ("timestamp", "1692950400"),
        ("dob", "1980-02-30"),
        ("boolean", "maybe"),
        ("currency", "0.005"),
        ("currency", "1e3"),
        ("currency", "1.234,50"),
        ("currency", "NaN"),
        ("currency", "1000000000000"),
        ("currency", "٣"),
        ("number", "Infinity"),
        ("integer", "9223372036854775808"),
        ("integer", "1.5"),
        ("object", "[1]"),
        ("object", '{"a": NaN}'),
        ("object", "{"),
    ],
)
def test_a_cell_that_is_none_of_its_type_is_refused(type_name: str, text: str) -> None:
    with pytest.raises(Unfit) as caught:
        parser_of(type_name)(text)
    assert text not in str(caught.value)


def test_a_layout_reads_dates_written_another_way() -> None:
    assert parser_of("timestamp", "%m/%d/%Y")("08/25/2023") == datetime(2023, 8, 25, tzinfo=UTC)
    assert parser_of("date", "%d.%m.%Y")("25.08.2023") == date(2023, 8, 25)
    with pytest.raises(Unfit, match="%d"):
        parser_of("date", "%d.%m.%Y")("2023-08-25")


def test_an_outcome_is_one_of_three() -> None:
    assert outcome("Success") == "success"
    with pytest.raises(Unfit, match="success, failure, error"):
        outcome("sold")


@pytest.mark.parametrize(
    ("type_name", "text", "expected"),
    [
        ("currency", "12,50", "an amount; expected one with a decimal point, such as 1234.50"),
        (
            "number",
            "12,5",
            "a number; expected one with a decimal point and without separators, such as 1234.5",
        ),
        ("dob", "5 March 1990", "a date; expected one such as 2024-01-15"),
        ("timestamp", "noon", "a timestamp; expected one such as 2024-01-15 or 2024-01-15T10:30:45.123Z"),
        ("boolean", "maybe", "a boolean; expected yes, true, t, 1, no, false, f or 0"),
    ],
)
def test_a_refusal_says_what_is_expected(type_name: str, text: str, expected: str) -> None:
    with pytest.raises(Unfit, match=f"^not {re.escape(expected)}$"):
        parser_of(type_name)(text)
