"""What was read beside what was written, value by value, in the types that the reader gives."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import pandas as pd

from export_pipelines.catalog import Kind
from export_pipelines.plan.plan import OutputColumn

Rows = Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Table:
    """Names of columns and rows of values, as a reader gave them."""

    names: list[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Difference:
    """One cell: its column, what was written and what was read, as they are shown."""

    column: str
    written: str
    read: str


class Unlike(Exception):
    """The table has other columns, or another number of rows."""


def differences(columns: Sequence[OutputColumn], rows: Rows, table: Table) -> list[Difference]:
    """The cells of `table` that do not have the value that was written. Raises Unlike."""
    names = [column.header for column in columns]
    if sorted(map(str, table.names)) != sorted(names):
        raise Unlike(f"other columns: {', '.join(map(str, table.names))}"[:100])
    places = [table.names.index(name) for name in names]  # an object has no order
    if len(table.rows) != len(rows):
        raise Unlike(f"{len(table.rows)} rows instead of {len(rows)}")
    return [
        Difference(column.header, shown(written), shown(read))
        for row, line in zip(rows, table.rows, strict=True)
        for column, written, read in zip(columns, row, _in_order(line, places), strict=True)
        if not same(column.kind, written, read)
    ]


def _in_order(line: Sequence[Any], places: Sequence[int]) -> list[Any]:
    """A line that ends early has nothing in the rest, which is null. Raises Unlike for one that has more."""
    if len(line) > len(places):
        raise Unlike(f"a row of {len(line)} values instead of {len(places)}")
    return [line[place] if place < len(line) else None for place in places]


def without_nulls(table: Table) -> Table:
    """The table as programs have it that know no null."""
    return Table(table.names, [["" if is_null(cell) else cell for cell in row] for row in table.rows])


def same(kind: Kind, written: Any, read: Any) -> bool:
    """Whether the reader has the value. A text has to be that text; a text in a column of numbers or times is what it spells,
    and an empty one there is null."""
    if is_null(read):
        return written is None
    if kind is Kind.TEXT:
        return isinstance(read, str) and read == written
    if read == "" or written in (None, ""):
        return read == "" and written in (None, "")
    try:
        return bool(MEANINGS[kind](read) == MEANINGS[kind](written))
    except (ValueError, TypeError, InvalidOperation):
        return False


def is_null(value: Any) -> bool:
    """None, or what stands for it in a library."""
    return (
        value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))
    )


def shown(value: Any) -> str:
    """A value in a few letters; texts have quotes."""
    if is_null(value):
        return "null"
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
    elif isinstance(value, datetime):
        text = value.isoformat(" ")
    elif isinstance(value, Decimal):
        text = f"{value:f}"
    elif isinstance(value, dict | list):
        text = json.dumps(value, ensure_ascii=False, default=str)
    else:
        text = str(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _number(value: Any) -> Decimal:
    if isinstance(value, bool):
        raise TypeError("a truth is no number")
    return Decimal(value) if isinstance(value, str | int | Decimal) else Decimal(repr(float(value)))


def _truth(value: Any) -> bool:
    words = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}
    if (word := str(value).lower()) not in words:
        raise ValueError("no truth")
    return words[word]


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value.replace("/", "-")) if isinstance(value, str) else value
    if not isinstance(moment, datetime):  # what has no time of day is its midnight
        moment = datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _day(value: Any) -> date:
    if isinstance(value, str) and len(value) == 10:
        return date.fromisoformat(value.replace("/", "-"))
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    moment = _moment(value)
    if moment.time() != moment.min.time():
        raise ValueError("a day has no time of day")
    return moment.date()


def _object(value: Any) -> Any:
    return _exact(json.loads(value, parse_float=Decimal) if isinstance(value, str) else value)


def _exact(value: Any) -> Any:
    """Numbers exact, and truths apart from 1 and 0."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, dict):
        return {name: _exact(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(item) for item in value]
    if isinstance(value, bool):
        return f"truth {value}"
    return _number(value) if isinstance(value, int | float | Decimal) else value


MEANINGS: dict[Kind, Callable[[Any], Any]] = {
    Kind.INTEGER: _number,
    Kind.DECIMAL: _number,
    Kind.BOOLEAN: _truth,
    Kind.TIMESTAMP: _moment,
    Kind.DATE: _day,
    Kind.JSON: _object,
}
