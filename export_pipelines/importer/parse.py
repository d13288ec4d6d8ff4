"""From a cell's text to a value of its declared type, exactly or not at all; no fault quotes the value."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Any

import simplejson

from export_pipelines.catalog.semantic_types import CURRENCY_SCALE, SEMANTIC_TYPES, Kind
from export_pipelines.importer.dates import SLASHED, DateOrder, slashed
from export_pipelines.lead_store.tables import CENT, OUTCOMES

TRUE, FALSE = {"yes", "true", "t", "1"}, {"no", "false", "f", "0"}
MAX_UNITS = 10 ** (14 - CURRENCY_SCALE)  # what NUMERIC(14, 2) holds before the point
_AMOUNT = re.compile(r"-?[$£€]?(\d+|\d{1,3}(,\d{3})+)(\.\d*)?", re.ASCII)
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?( ?(Z|[+-]\d\d:?\d\d))?)?", re.ASCII)
_OBJECT_ID = re.compile(r"[0-9a-f]{24}")
_BIG = 2**63
MOST_DIGITS, MOST_LEVELS = 1000, 30  # of a number; of JSON: MariaDB reads 32


_TOO_DEEP = f"JSON of more than {MOST_LEVELS} levels"


class Unfit(ValueError):
    """The text is not a value of the type; its text says what would be."""


Parse = Callable[[str], Any]


def parser_of(
    type_name: str, layout: str | None = None, zone: tzinfo = UTC, order: DateOrder | None = None
) -> Parse:
    """How a cell becomes a value of this semantic type; `layout` is strptime's, for dates and timestamps written
    another way, `zone` that of times without an offset, `order` that of dates as `1/2/2024`. The function raises Unfit."""
    kind = SEMANTIC_TYPES[type_name].kind
    if kind not in (Kind.DATE, Kind.TIMESTAMP):
        return _PARSERS.get(kind, str)
    if layout:
        return lambda text: _by_layout(text, layout, kind, zone)
    plain: Parse = _day if kind is Kind.DATE else lambda text: _moment(text, zone)
    return lambda text: plain(text) if SLASHED.fullmatch(text) is None else _by_order(text, order, kind, zone)


def object_id(text: str) -> str:
    if not _OBJECT_ID.fullmatch(text):
        raise Unfit("not an id; expected 24 digits 0-9 a-f")
    return text


def outcome(text: str) -> str:
    word = text.strip().lower()
    if word not in OUTCOMES:
        raise Unfit(f"not an outcome; expected one of {', '.join(OUTCOMES)}")
    return word


def as_json(value: Any) -> Any:
    """A custom value as JSON keeps it exactly: decimals and moments as their text."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else value


def _moment(text: str, zone: tzinfo) -> datetime:
    """A date is its midnight, a time without an offset is of `zone`; finer than a millisecond is cut."""
    text = text.strip()
    if not _MOMENT.fullmatch(text):
        raise Unfit("not a timestamp; expected one such as 2024-01-15 or 2024-01-15T10:30:45.123Z")
    try:
        moment = datetime.fromisoformat(text.replace(" +", "+").replace(" -", "-").replace(" Z", "Z"))
        return _in_utc(moment, zone)
    except Unfit:
        raise
    except (ValueError, OverflowError) as error:
        raise Unfit("not a moment of the calendar") from error


def _in_utc(moment: datetime, zone: tzinfo) -> datetime:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    if moment.tzinfo is None:
        first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
        if first.utcoffset() != second.utcoffset():
            is_missing = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment
            raise Unfit(f"an hour that the clocks of {zone} {'leave out' if is_missing else 'show twice'}")
        moment = first
    return moment.astimezone(UTC)


def _day(text: str) -> date:
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError as error:
        raise Unfit("not a date; expected one such as 2024-01-15") from error


def _by_layout(text: str, layout: str, kind: Kind, zone: tzinfo) -> date:
    try:
        moment = datetime.strptime(text.strip(), layout)  # noqa: DTZ007  # _in_utc gives the zone
        return _in_utc(moment, zone) if kind is Kind.TIMESTAMP else moment.date()
    except Unfit:
        raise
    except (ValueError, OverflowError) as error:
        raise Unfit(f"not written as {layout}") from error


def _by_order(text: str, order: DateOrder | None, kind: Kind, zone: tzinfo) -> date:
    if order is None:
        raise Unfit("not told which of day and month comes first")
    try:
        moment = slashed(text, order)
    except ValueError as error:
        raise Unfit(f"not in the calendar, {order}") from error
    assert moment
    try:
        return _in_utc(moment, zone) if kind is Kind.TIMESTAMP else moment.date()
    except OverflowError as error:
        raise Unfit("not a moment of the calendar") from error


def _flag(text: str) -> bool:
    word = text.strip().lower()
    if word not in TRUE | FALSE:
        raise Unfit("not a boolean; expected yes, true, t, 1, no, false, f or 0")
    return word in TRUE


def _amount(text: str) -> Decimal:
    text = text.strip()
    if not _AMOUNT.fullmatch(text):
        raise Unfit("not an amount; expected one with a decimal point, such as 1234.50")
    amount = Decimal(re.sub(r"[$£€,]", "", text))
    if abs(amount) >= MAX_UNITS:
        raise Unfit(f"an amount of {MAX_UNITS:,} or more")
    cents = amount.quantize(CENT)
    if cents != amount:
        raise Unfit("an amount with more than two places")
    return cents


def _number(text: str) -> Decimal:
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        raise Unfit("not a number; expected one with a decimal point and without separators, such as 1234.5")
    if len(text) > MOST_DIGITS:
        raise Unfit(f"a number of more than {MOST_DIGITS:,} digits")
    return Decimal(text)


def _whole(text: str) -> int:
    number = _number(text)
    if not -_BIG <= number < _BIG or number != int(number):
        raise Unfit("not a whole number of 64 bits")
    return int(number)


def _object(text: str) -> dict[str, Any]:
    try:
        value = simplejson.loads(
            text, parse_float=_number_in_json, parse_int=_number_in_json, allow_nan=False
        )
    except Unfit:
        raise
    except RecursionError as error:
        raise Unfit(_TOO_DEEP) from error
    except ValueError as error:
        raise Unfit("not JSON") from error
    if not isinstance(value, dict):
        raise Unfit("not a JSON object")
    _require_storable(value, MOST_LEVELS)
    return value


def _number_in_json(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except ArithmeticError as error:
        raise Unfit("JSON with a number beyond all exponents") from error
    if len(text) > MOST_DIGITS or abs(number.adjusted()) > MOST_DIGITS:
        raise Unfit(f"JSON with a number of more than {MOST_DIGITS:,} digits")
    return number


def _require_storable(value: Any, levels: int) -> None:
    """Raises Unfit for what databases cannot hold, or not read."""
    if isinstance(value, str):
        if "\0" in value:
            raise Unfit("JSON with a NUL character, which databases do not store")
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise Unfit("JSON with half a character")
    elif isinstance(value, dict | list):
        if not levels:
            raise Unfit(_TOO_DEEP)
        for inner in (*value, *value.values()) if isinstance(value, dict) else value:
            _require_storable(inner, levels - 1)


_PARSERS: dict[Kind, Parse] = {
    Kind.DATE: _day,
    Kind.BOOLEAN: _flag,
    Kind.DECIMAL: _amount,
    Kind.NUMBER: _number,
    Kind.INTEGER: _whole,
    Kind.JSON: _object,
}
