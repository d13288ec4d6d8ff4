"""The Python values of any driver as texts, without loss, or refused with their row."""

import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from export_pipelines.errors import DataError, SourceError
from export_pipelines.plan.query.query import SourceColumn
from export_pipelines.read.bad_json import settled
from export_pipelines.read.spelled_rows import Spelling
from export_pipelines.transform.casts import conform, require_utf8
from export_pipelines_tests.read.test_sqlalchemy import ID


def spelled(value: Any, kind: str, type: str = "text", *, infinite: bool = False, **more: Any) -> Any:
    """What becomes of a driver's value."""
    columns = (ID, SourceColumn(name="it", kind=kind, type=type, **more))
    with Spelling(columns, "here", infinite=infinite) as spelling:
        marked = spelling.batch([("1", value), ("2", None)])
    batch, _ = settled(marked, ["it"] if kind == "json" else [], is_null=False)
    require_utf8(batch)
    first, second = conform(batch, columns)["it"]
    assert second is None
    return first


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("é😀", "text", "é😀"),
        (b"abc", "text", "abc"),
        (memoryview(b"abc"), "text", "abc"),
        (UUID(int=1), "text", "00000000-0000-0000-0000-000000000001"),
        (time(10, 30), "text", "10:30:00"),
        (True, "text", "true"),
        (True, "boolean", True),
        (0, "boolean", False),
        (2**63 - 1, "integer", 2**63 - 1),
        (Decimal("5"), "integer", 5),
        (Decimal("1E+2"), "number", "100"),
        (Decimal("0.1000000000000000000000000001"), "number", "0.1000000000000000000000000001"),
        (0.1, "number", "0.1"),
        (1e-7, "number", "0.0000001"),
        (date(2024, 2, 29), "date", date(2024, 2, 29)),
        (datetime(2024, 2, 29), "date", date(2024, 2, 29)),  # noqa: DTZ001
        (datetime(2024, 2, 29, 1, 2, 3, 999_999), "timestamp", datetime(2024, 2, 29, 1, 2, 3, 999_000, UTC)),  # noqa: DTZ001
        (
            datetime(2024, 2, 29, 1, tzinfo=timezone(timedelta(hours=2))),
            "timestamp",
            datetime(2024, 2, 28, 23, tzinfo=UTC),
        ),
    ],
)  # fmt: skip
def test_a_drivers_value_is_told_exactly(value: Any, kind: str, expected: Any) -> None:
    assert spelled(value, kind) == expected


def test_an_amount_never_passes_through_a_float() -> None:
    value = Decimal("999999999999999999.99")
    assert spelled(value, "decimal", "currency", scale=2) == value


@pytest.mark.parametrize(
    "value",
    [
        '{"b": 1.10,\n "a": [1, null, "é"]}',
        b'{"b":1.10,"a":[1,null,"\xc3\xa9"]}',
        {"b": Decimal("1.10"), "a": [1, None, "é"]},
    ],
)
def test_json_is_the_same_as_text_bytes_or_object(value: Any) -> None:
    assert spelled(value, "json", "object") == '{"b":1.10,"a":[1,null,"é"]}'


def test_a_list_is_json() -> None:
    assert spelled([1, Decimal("2.50"), date(2024, 1, 1)], "json", "object") == '[1,2.50,"2024-01-01"]'


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (math.nan, "number"),
        (math.inf, "number"),
        (Decimal("NaN"), "number"),
        (Decimal("-Infinity"), "decimal"),
        (datetime.max, "timestamp"),  # noqa: DTZ901
        (date.max, "date"),
        ("{word", "json"),
        ("", "json"),
        (b"\xff", "text"),
        ("\ud800", "text"),
        (datetime(2024, 2, 29, 23, 59), "date"),  # noqa: DTZ001
        (1.5, "integer"),
    ],
)
def test_a_value_that_no_file_can_hold_is_refused_with_its_row(value: Any, kind: str) -> None:
    with pytest.raises(DataError, match="lead_id 1, it"):
        spelled(value, kind, infinite=True)


@pytest.mark.parametrize("value", [{"a": math.nan}, [math.inf], [object()]])
def test_an_object_with_what_json_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(DataError, match="^lead_id 1, it: a list or an object holds what JSON cannot"):
        spelled(value, "json", "object")


def test_a_type_that_is_not_known_is_refused_by_its_name() -> None:
    with pytest.raises(
        SourceError, match="here: the driver gives the column of it as timedelta, which is not read"
    ):
        spelled(timedelta(1), "text")


def test_a_window_over_texts_is_refused() -> None:
    with pytest.raises(SourceError, match="the column of it holds text, of which no window can be asked"):
        spelled("2024-01-01T00:00:00Z", "timestamp")
