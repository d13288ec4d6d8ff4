"""Small values as people write them in an export's YAML: sizes, spans, days, hours, weekdays, flags, counts."""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, Strict
from pydantic_core import PydanticCustomError

from export_pipelines.errors import unknown
from export_pipelines.yaml.schema_faults import shown_value

UNITS = {
    "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40,
}  # fmt: skip
WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
SIZE_PATTERN = r"^\s*[0-9]+(\.[0-9]+)?\s*([kKmMgGtT]([iI])?)?[bB]\s*$"
SPAN_PATTERN = r"^[1-9][0-9]{0,4} (day|week|month)s?$"
HOURS_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
NUMBER_PATTERN = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
LEAD_ID_PATTERN = r"^[0-9a-f]{24}$"
DAY_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
NAME_PATTERN = r"^[a-z][a-z0-9_]*$"  # of an export
TIME_PATTERN = r"([01]?[0-9]|2[0-3]):[0-5][0-9]"


def fault(text: str) -> PydanticCustomError:
    """A finding whose whole text is `text`."""
    return PydanticCustomError("fault", "{text}", {"text": text})


def unless(default: Any) -> Any:
    """What was added later stands in a plan only where it was asked for, so that no export counts as changed."""
    return Field(default=default, exclude_if=lambda value: value == default)


def listed(value: Any) -> Any:
    """A text alone is a list of one."""
    return [value] if isinstance(value, str) else value


def read_bytes(value: Any) -> Any:
    """Bytes from `20 MB` (decimal) or `20 MiB` (binary), or a plain number of bytes."""
    if isinstance(value, int) and not isinstance(value, bool):
        size = value
    elif isinstance(value, str) and re.search(SIZE_PATTERN, value):
        number, unit = re.findall(r"[0-9.]+|[A-Za-z]+", value)
        whole, _, part = number.partition(".")
        size = int(whole + part) * UNITS[unit.upper()] // 10 ** len(part)
    else:
        raise fault(
            f"a size is expected, not {shown_value(value)}; write 20 MB (20,000,000 bytes), 20 MiB or 5 GB"
        )
    if size < 1:
        raise fault(f"a size is at least 1 byte, not {shown_value(value)}")
    return size


def read_day(value: Any) -> date:
    """A day of the calendar from `2024-01-15`."""
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or not re.fullmatch(DAY_PATTERN, value):
        raise fault(f"a date is expected, not {shown_value(value)}; write YYYY-MM-DD, as 2024-01-15")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise fault(f"the date {value} does not exist") from error


def _span(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(SPAN_PATTERN, value):
        raise fault(
            f"a span of time is expected, not {shown_value(value)}; write 30 days, 2 weeks or 1 month"
        )
    return value


def _hours(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(HOURS_PATTERN, value) or value[:5] == value[6:]:
        raise fault(
            f'hours are expected, not {shown_value(value)}; write "09:00-17:00", or "22:00-06:00" over midnight (UTC)'
        )
    return value


def read_number(raw: Any) -> Decimal | None:
    """The number that a value is, or that a text spells in plain digits; None for any other, such as `1_000`."""
    if isinstance(raw, bool) or (isinstance(raw, str) and not re.fullmatch(NUMBER_PATTERN, raw.strip())):
        return None
    number = Decimal(str(raw).strip())
    return number if number.is_finite() else None


def is_over_midnight(hours: str) -> bool:
    """`22:00-06:00` is."""
    start, _, end = hours.partition("-")
    return start > end


def read_weekday(value: Any) -> str:
    """`Mon`, `monday` -> `monday`."""
    for weekday in WEEKDAYS:
        if isinstance(value, str) and value.lower() in (weekday, weekday[:3]):
            return weekday
    raise fault(
        unknown("weekday", value, WEEKDAYS) if isinstance(value, str) else _not_text("a weekday", value)
    )


def _lead_id(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(LEAD_ID_PATTERN, value):
        raise fault("a lead id is 24 lower-case hex digits, as 5fd2b1c07f3e9a0012ab34cd")
    return value


def _names(value: Any) -> Any:
    """One name of an export, or a list of them."""
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not names:
        raise fault(_not_text("the name of an export, or a list of names,", value))
    for name in names:
        if not isinstance(name, str) or not re.fullmatch(NAME_PATTERN, name):
            raise fault(f"an export's name is lower-case letters, digits and _, not {shown_value(name)}")
    return tuple(names)


def _not_text(what: str, value: Any) -> str:
    return f"{what} is expected, not {shown_value(value)}"


def read_scalars(value: Any) -> Any:
    """A plain value or a list of them, as a rule compares with."""
    if isinstance(value, (list, tuple)):
        if any(isinstance(item, (list, tuple, dict)) for item in value):
            raise fault("a list of plain values is expected, not one that holds lists or mappings")
        return tuple(map(read_scalars, value))
    if isinstance(value, dict):
        raise fault("a plain value or a list of them is expected, not a mapping")
    if isinstance(value, str) and not _is_unicode(value):
        raise fault("the text holds half a character (a lone surrogate), which no database stores")
    return value


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _day_text(value: Any) -> str:
    return read_day(value).isoformat()


Flag = Annotated[bool, Strict()]
Count = Annotated[int, Strict(), Field(gt=0)]
ByteSize = Annotated[
    int, BeforeValidator(read_bytes, json_schema_input_type=int | Annotated[str, Field(pattern=SIZE_PATTERN)])
]
Day = Annotated[
    date, BeforeValidator(read_day, json_schema_input_type=Annotated[str, Field(pattern=DAY_PATTERN)])
]
DayText = Annotated[
    str, BeforeValidator(_day_text, json_schema_input_type=Annotated[str, Field(pattern=DAY_PATTERN)])
]
Span = Annotated[str, BeforeValidator(_span), Field(json_schema_extra={"pattern": SPAN_PATTERN})]
Hours = Annotated[str, BeforeValidator(_hours), Field(json_schema_extra={"pattern": HOURS_PATTERN})]
Weekday = Annotated[str, BeforeValidator(read_weekday), Field(json_schema_extra={"examples": list(WEEKDAYS)})]
Names = Annotated[
    tuple[str, ...],
    BeforeValidator(
        _names,
        json_schema_input_type=Annotated[str, Field(pattern=NAME_PATTERN)]
        | list[Annotated[str, Field(pattern=NAME_PATTERN)]],
    ),
]
LeadId = Annotated[str, BeforeValidator(_lead_id), Field(json_schema_extra={"pattern": LEAD_ID_PATTERN})]
