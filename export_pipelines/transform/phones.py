"""What libphonenumber says of a phone number. Its tables are imported with the first number: they take longer than a small run."""

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

HOME_REGION = "US"  # of a phone without a country code


def is_valid(text: str) -> bool | None:
    """None where it sees no number, as below."""
    number = _parsed(text)
    return None if number is None else bool(_library().is_valid_number(number))


def country_code(text: str) -> str | None:
    number = _parsed(text)
    return None if number is None else str(number.country_code)


def type_of(text: str) -> str | None:
    """`mobile`, `fixed_line_or_mobile`, `toll_free`."""
    number, library = _parsed(text), _library()
    return None if number is None else library.PhoneNumberType.to_string(library.number_type(number)).lower()


def e164(text: str) -> str | None:
    """`+15125550142x12`."""
    number, library = _parsed(text), _library()
    if number is None:
        return None
    plain = library.format_number(number, library.PhoneNumberFormat.E164)
    return f"{plain}x{number.extension}" if number.extension else plain


@cache
def _library() -> Any:
    import phonenumbers

    return phonenumbers


@lru_cache(65_536)
def _parsed(text: str) -> "PhoneNumber | None":
    try:
        number: PhoneNumber = _library().parse(text, HOME_REGION)
    except _library().NumberParseException:
        return None
    return number
