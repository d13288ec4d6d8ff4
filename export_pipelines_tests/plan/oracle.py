"""What each rule operator means, said a second time in plain Python, to hold the SQL against."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import re2

from export_pipelines.catalog import Kind
from export_pipelines.definition.filters import Operator as Op

NEGATIVE = {
    Op.NOT_EQUAL: Op.EQUAL,
    Op.NOT_INCLUDED: Op.INCLUDED,
    Op.NOT_INCLUDES: Op.INCLUDES,
    Op.NOT_BETWEEN: Op.BETWEEN,
    Op.NOT_MATCHES: Op.MATCHES,
    Op.NOT_BLANK: Op.BLANK,
    Op.NOT_TRUE: Op.TRUE,
    Op.NOT_FALSE: Op.FALSE,
    Op.INVALID: Op.VALID,
}
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def holds(kind: Kind, op: Op, stored: Any, rhv: Any) -> bool:
    """Does the rule `stored op rhv` hold?"""
    if op in NEGATIVE:
        return not holds(kind, NEGATIVE[op], stored, rhv)
    if op is Op.BLANK:
        return stored is None or (isinstance(stored, str) and not stored.strip(" \t\n\r"))
    if op in (Op.TRUE, Op.FALSE):
        words = {Op.TRUE: ("yes", "true", "t", "1"), Op.FALSE: ("no", "false", "f", "0")}[op]
        return stored is not None and str(stored).lower() in words
    if op is Op.MATCHES:
        return stored is not None and re2.search(rhv, stored) is not None
    if op is Op.INCLUDES:
        return stored is not None and rhv.casefold() in stored.casefold()
    left = plain(kind, stored)
    if left is None:
        return False
    right = [plain(kind, value) for value in rhv] if isinstance(rhv, tuple) else plain(kind, rhv)
    return COMPARED[op](left, right)


def plain(kind: Kind, value: Any) -> Any:
    """The value as Python compares it; None for what is no value of the kind."""
    if value is None:
        return None
    match kind:
        case Kind.TEXT:
            return str(value).casefold()
        case Kind.INTEGER | Kind.NUMBER | Kind.DECIMAL:
            text = str(value).strip()
            return Decimal(text) if NUMBER.fullmatch(text) else None
        case Kind.BOOLEAN:
            return bool(value)
        case Kind.TIMESTAMP:
            return int(moment(value).timestamp() * 1000)
        case _:
            return value


def moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


COMPARED: Mapping[Op, Callable[[Any, Any], bool]] = {
    Op.EQUAL: lambda left, right: left == right,
    Op.LESS: lambda left, right: left < right,
    Op.LESS_OR_EQUAL: lambda left, right: left <= right,
    Op.GREATER: lambda left, right: left > right,
    Op.GREATER_OR_EQUAL: lambda left, right: left >= right,
    Op.INCLUDED: lambda left, right: left in right,
    Op.BETWEEN: lambda left, right: right[0] <= left <= right[1],
}
