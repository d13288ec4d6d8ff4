"""The right-hand values of rules, from what YAML gave to what the field's kind holds; a wrong one is a RequestError."""

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal

from export_pipelines.catalog import Kind
from export_pipelines.definition.filters import Scalar
from export_pipelines.definition.words import read_number
from export_pipelines.errors import RequestError

Value = str | Decimal | bool | date | datetime

TRUE_WORDS = frozenset({"yes", "true", "t", "1"})
FALSE_WORDS = frozenset({"no", "false", "f", "0"})
MAX_DIGITS = 60  # of a number: past it nobody means an amount, and 1e999999 would be written out


def coerce(raw: Scalar, id: str, kind: Kind) -> Value:
    """`raw` as a value of `kind`. Raises RequestError that names the field and what is allowed, never the value, which
    may be a person's."""
    if raw is None:
        raise RequestError(f"{id} cannot be compared with nothing", remedy="use `is blank` or `is not blank`")
    match kind:
        case Kind.TEXT | Kind.JSON:
            return _text(raw, id)
        case Kind.INTEGER | Kind.NUMBER | Kind.DECIMAL:
            return _number(raw, id)
        case Kind.BOOLEAN:
            return _truth(raw, id)
        case Kind.DATE:
            return _date(raw, id)
        case Kind.TIMESTAMP:
            return _moment(raw, id)


def _text(raw: Scalar, id: str) -> str:
    if not isinstance(raw, str):
        raise RequestError(f"{id} holds text, and its rhv is none", remedy="put it in quotes")
    return raw


def _number(raw: Scalar, id: str) -> Decimal:
    number = read_number(raw)
    if number is None or _is_long(number):
        raise RequestError(f"{id} holds a number, and its rhv is none", remedy="write 25 or 25.50")
    return number


def _is_long(number: Decimal) -> bool:
    """Whether it has too many digits; only few are written out, since those of 1e999999999 are gigabytes."""
    place = number.adjusted() if number else min(number.adjusted(), 0)
    return abs(place) >= MAX_DIGITS or len(format(number, "f")) > MAX_DIGITS


def _truth(raw: Scalar, id: str) -> bool:
    word = str(raw).strip().lower()
    if word not in TRUE_WORDS | FALSE_WORDS:
        raise RequestError(f"{id} is true or false, and its rhv is neither")
    return word in TRUE_WORDS


def _date(raw: Scalar, id: str) -> date:
    try:
        if not isinstance(raw, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", raw):
            raise ValueError("not written YYYY-MM-DD")
        return date.fromisoformat(raw)
    except ValueError as error:
        raise RequestError(
            f"{id} holds a date, and its rhv is none that exists", remedy="write 2024-01-15"
        ) from error


def _moment(raw: Scalar, id: str) -> datetime:
    if isinstance(raw, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", raw):
        return datetime.combine(_date(raw, id), time(), tzinfo=UTC)
    try:
        moment = datetime.fromisoformat(raw) if isinstance(raw, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise RequestError(
            f"{id} holds a time, and its rhv is none with a zone",
            remedy="write 2024-01-15T10:30:00Z, or 2024-01-15 for its midnight",
        )
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise RequestError(f"the rhv of {id} lies outside of the calendar in UTC") from error
