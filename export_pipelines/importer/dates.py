"""Dates as `1/2/2024`: which of day and month comes first is told by the column's other rows, or by a person."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from export_pipelines.errors import ImportFileError, unknown

SLASHED = re.compile(
    r"\s*(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?:[T ,]+(\d{1,2}):(\d\d)(?::(\d\d))?(?: ?([AaPp])\.?[Mm]\.?)?)?\s*",
    re.ASCII,
)
NOON = 12
SLIPS = 100  # one row in so many


class DateOrder(StrEnum):
    """Which number of `1/2/2024` is the day's."""

    DAY_FIRST = "day first"
    MONTH_FIRST = "month first"


def checked_order(text: str) -> DateOrder:
    """Raises ImportFileError for what is no order."""
    if text not in list(DateOrder):
        raise ImportFileError(unknown("order", text, list(DateOrder)), where="--dates")
    return DateOrder(text)


@dataclass(frozen=True)
class OrderEvidence:
    """The order of a column's dates, None where no row tells it, and the lines that tell each order."""

    order: DateOrder | None
    lines: dict[DateOrder, int]


def slashed(text: str, order: DateOrder) -> datetime | None:
    """The moment, without a zone; None for what is not written so. Raises ValueError for what is in no calendar."""
    match = SLASHED.fullmatch(text)
    if match is None:
        return None
    day, month = (match[1], match[3]) if order is DateOrder.DAY_FIRST else (match[3], match[1])
    hour = int(match[5] or 0)
    if match[8]:
        if not 1 <= hour <= NOON:
            raise ValueError("no hour of a clock with twelve")
        hour = hour % NOON + (NOON if match[8] in "pP" else 0)
    return datetime(int(match[4]), int(month), int(day), hour, int(match[6] or 0), int(match[7] or 0))  # noqa: DTZ001


def order_evidence(cells: Iterable[tuple[int, str]]) -> OrderEvidence | None:
    """What the cells of a column, with their lines, tell; None where none is written so. Where nearly all rows that tell
    an order tell the same, the others are slips of the pen."""
    lines: dict[DateOrder, int] = {}
    rows: Counter[DateOrder] = Counter()
    seen = unclear = False
    for line, first, second in _numbers(cells):
        seen = True
        unclear |= first != second and max(first, second) <= NOON
        if (first > NOON) != (second > NOON):
            order = DateOrder.DAY_FIRST if first > NOON else DateOrder.MONTH_FIRST
            lines.setdefault(order, line)
            rows[order] += 1
    if not seen:
        return None
    if not rows:
        return OrderEvidence(None if unclear else DateOrder.MONTH_FIRST, lines)
    ((most, count), *_) = rows.most_common()
    return OrderEvidence(most if count * SLIPS >= rows.total() * (SLIPS - 1) else None, lines)


def _numbers(cells: Iterable[tuple[int, str]]) -> Iterator[tuple[int, int, int]]:
    for line, cell in cells:
        if match := SLASHED.match(cell):
            yield line, int(match[1]), int(match[3])
