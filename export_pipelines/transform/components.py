"""Components of semantic types, computed at export: a table of Polars expressions, and the same for one value."""

from collections.abc import Callable
from datetime import date
from functools import lru_cache
from ipaddress import IPv6Address

import polars as pl

from export_pipelines.transform import phones
from export_pipelines.transform.component_lists import DISPOSABLE, FREE, STATES, TOLL_FREE

Part = Callable[[pl.Expr], pl.Expr]

EMAIL = (
    r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@"
    r"(?:[\p{L}0-9](?:[\p{L}\p{M}0-9-]*[\p{L}\p{M}0-9])?\.)+(?:\p{L}{2,}|xn--[A-Za-z0-9-]{2,59})$"
)
IPV4 = r"^(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])$"
US_ZIP, CA_POST = r"^([0-9]{5})(?:-?([0-9]{4}))?$", r"^([A-Z][0-9][A-Z])\s?([0-9][A-Z][0-9])$"
UK_POST = r"^([A-Z]{1,2}[0-9][A-Z0-9]?)\s?([0-9][A-Z]{2})$"
RANGE = r"^\s*(-?[0-9.]+)\s*-\s*(-?[0-9.]+)\s*$"
OPEN_RANGE = r"^\s*(-?[0-9.]+)\s*\+\s*$"
LABEL = r"[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}])?"
TOP = r"\p{L}(?:[\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}])?"  # a host that ends in a number is an IPv4 address, or none
URL = (
    r"^\s*[A-Za-z][A-Za-z0-9+.-]*://(?:[^\s/?#@\\]*@)?"
    rf"(?:(?:{LABEL}\.)*{TOP}\.?|{IPV4[1:-1]}|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{1,5}})?(?:[/?#]\S*)?\s*$"
)
NAME = r"^\s*[\p{L}\p{M}][\p{L}\p{M} .'’-]*$"
# A pattern of its own asks how long they are: with a count behind the letters of all scripts one would take 20 MB, and be slow.
LONG_LABEL, LONG_NAME = r"[^.:\[\]]{64}", r"^\s*\S.{61}"
# one number, its digits apart by what people put between them; without a country's code of 7, 10 or, with a 1, 11 digits
PHONE = (
    r"(?i)^\s*(?:\+[() ./-]*[1-9](?:[() ./-]*[0-9]){7,14}|(?:1[() ./-]*)?[0-9](?:[() ./-]*[0-9]){9}"
    r"|\(?[0-9](?:[() ./-]*[0-9]){9}|[0-9](?:[ .-]*[0-9]){6})[)\s]*(?:(?:x|ext\.?|extension)[\s.:]*[0-9]{1,7})?\s*$"
)
EXTENSION = r"(?i)\s*(?:x|ext\.?|extension)[\s.:]*([0-9]{1,7})\s*$"


def _group(pattern: str, group: int = 1) -> Part:
    return lambda value: value.str.extract(pattern, group)


_host = _group(r"^\s*[A-Za-z][\w+.-]*://(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]+)")


def _domain(value: pl.Expr) -> pl.Expr:
    return value.str.strip_chars().str.to_lowercase().str.extract(r"@([^@]+)$", 1)


def _one_of(part: Part, values: frozenset[str]) -> Part:
    return lambda value: part(value).is_in(sorted(values))


def _digits(value: pl.Expr) -> pl.Expr:
    """National digits of a North American number; the extension and the country's 1 are left out."""
    bare = value.str.replace(EXTENSION, "").str.replace_all(r"\D+", "")
    return pl.when(bare.str.contains(r"^1[0-9]{10}$")).then(bare.str.slice(1)).otherwise(bare)


def _phone(of: Callable[[str], object], dtype: type[pl.DataType]) -> Part:
    """libphonenumber over each distinct value; null where it sees no number."""

    def all_of(values: pl.Series) -> pl.Series:
        distinct = values.drop_nulls().unique()
        components = {text: of(text) for text in distinct}
        return pl.Series(
            values.name, [None if text is None else components[text] for text in values], dtype=dtype
        )

    return lambda value: value.map_batches(all_of, return_dtype=dtype)


def _phone_valid(value: pl.Expr) -> pl.Expr:
    known = _phone(phones.is_valid, pl.Boolean)(value)
    return pl.when(value.is_not_null()).then(known.fill_null(False))


def _post(value: pl.Expr) -> pl.Expr:
    return value.str.strip_chars().str.to_uppercase()


def _post_group(pattern: str, group: int) -> Part:
    return lambda value: _post(value).str.extract(pattern, group)


def _post_country(value: pl.Expr) -> pl.Expr:
    post = _post(value)
    return (
        pl.when(post.str.contains(US_ZIP))
        .then(pl.lit("US"))
        .when(post.str.contains(CA_POST))
        .then(pl.lit("CA"))
        .when(post.str.contains(UK_POST))
        .then(pl.lit("GB"))
    )


def _version(value: pl.Expr) -> pl.Expr:
    six = value.str.contains(":", literal=True)
    return pl.when(_ip_valid(value)).then(pl.when(six).then(6).otherwise(4)).cast(pl.Int64)


def _ip_valid(value: pl.Expr) -> pl.Expr:
    return value.map_batches(_are_addresses, return_dtype=pl.Boolean)


def _are_addresses(texts: pl.Series) -> pl.Series:
    valid = texts.str.contains(IPV4)
    others = (~valid).arg_true()
    return valid.scatter(others, [_is_ipv6(text) for text in texts[others]]) if len(others) else valid


@lru_cache(65_536)
def _is_ipv6(text: str) -> bool:
    try:
        return "%" not in text and bool(IPv6Address(text))
    except ValueError:
        return False


def _average(value: pl.Expr) -> pl.Expr:
    low, high = _group(RANGE)(value), _group(RANGE, 2)(value)
    middle = (
        low.cast(pl.Decimal(38, 4), strict=False) + high.cast(pl.Decimal(38, 4), strict=False)
    ) * pl.lit("0.5").cast(pl.Decimal(38, 1))
    return middle.cast(pl.Decimal(38, 4)).cast(pl.String).str.strip_chars_end("0").str.strip_suffix(".")


def _matches(pattern: str) -> Part:
    return lambda value: value.str.contains(pattern)


def _email_valid(value: pl.Expr) -> pl.Expr:
    plain = value.str.strip_chars()
    return plain.str.contains(EMAIL) & ~plain.str.contains(f"@.*{LONG_LABEL}")


def _url_valid(value: pl.Expr) -> pl.Expr:
    return value.str.contains(URL) & ~_host(value.str.strip_chars()).str.contains(LONG_LABEL)


def _name_valid(value: pl.Expr) -> pl.Expr:
    return value.str.contains(NAME) & ~value.str.contains(LONG_NAME)


COMPONENTS: dict[str, dict[str, Part]] = {
    "email": {
        "user": lambda value: value.str.strip_chars().str.extract(r"^(.+)@[^@]*$", 1),
        "domain": _domain,
        "host": lambda value: _domain(value).str.extract(r"^(.+)\.[^.]+$", 1),
        "tld": lambda value: _domain(value).str.extract(r"\.([^.]+)$", 1),
        "is_free": _one_of(_domain, FREE),
        "is_disposable": _one_of(_domain, DISPOSABLE),
        "valid": _email_valid,
    },
    "phone": {
        "area": lambda value: _digits(value).str.extract(r"^([0-9]{3})[0-9]{7}$", 1),
        "exchange": lambda value: _digits(value).str.extract(r"^[0-9]{3}([0-9]{3})[0-9]{4}$", 1),
        "line": lambda value: _digits(value).str.extract(r"^[0-9]{6}([0-9]{4})$", 1),
        "number": lambda value: _digits(value).str.extract(r"^[0-9]{3}([0-9]{7})$", 1),
        "extension": lambda value: value.str.extract(EXTENSION, 1),
        "country_code": _phone(phones.country_code, pl.String),
        "type": _phone(phones.type_of, pl.String),
        "is_tollfree": _one_of(lambda value: _digits(value).str.extract(r"^([0-9]{3})[0-9]{7}$", 1), TOLL_FREE),
        "valid": _phone_valid,
    },
    "street": {
        "number": _group(r"^\s*([0-9]+[A-Za-z]?)\s"),
        "name": lambda value: value.str.strip_chars().str.replace(r"^[0-9]+[A-Za-z]?\s+", ""),
    },
    "state": {
        "name": lambda value: _post(value).replace_strict(STATES, default=None, return_dtype=pl.String),
        "valid": lambda value: _post(value).is_in(sorted(STATES)),
    },
    "postal_code": {
        "country_code": _post_country,
        "zip": _post_group(US_ZIP, 1),
        "four": _post_group(US_ZIP, 2),
        "fsa": _post_group(CA_POST, 1),
        "ldu": _post_group(CA_POST, 2),
        "outcode": _post_group(UK_POST, 1),
        "incode": _post_group(UK_POST, 2),
        "valid": lambda value: pl.when(value.is_not_null()).then(_post_country(value).is_not_null()),
    },
    "ip": {
        "version": _version,
        "valid": _ip_valid,
    },
    "url": {
        "protocol": lambda value: value.str.extract(r"^([A-Za-z][A-Za-z0-9+.-]*)://", 1).str.to_lowercase(),
        "host": lambda value: _host(value).str.to_lowercase(),
        "port": lambda value: value.str.extract(r"^[A-Za-z][\w+.-]*://[^/?#]*:([0-9]+)(?:[/?#]|$)", 1).cast(pl.Int64, strict=False),
        "path": _group(r"^[A-Za-z][\w+.-]*://[^/?#]*(/[^?#]*)"),
        "query": _group(r"\?([^#]*)"),
        "valid": _url_valid,
    },
    "range": {
        "min": lambda value: pl.coalesce(_group(RANGE)(value), _group(OPEN_RANGE)(value)),
        "max": _group(RANGE, 2),
        "avg": _average,
        "valid": lambda value: value.str.contains(RANGE) | value.str.contains(OPEN_RANGE),
    },
    "gender": {
        "abbr": lambda value: value.str.strip_chars().str.head(1).str.to_uppercase(),
    },
}  # fmt: skip

VALID: dict[str, Part] = {type: parts["valid"] for type, parts in COMPONENTS.items() if "valid" in parts} | {
    "number": _matches(r"^\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)\s*$"),
    "currency": _matches(r"^\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)\s*$"),
    "integer": _matches(r"^\s*[+-]?[0-9]+\s*$"),
    "boolean": _matches(r"(?i)^\s*(yes|true|t|1|no|false|f|0)\s*$"),
    "date": lambda value: pl.when(value.is_not_null()).then(_is_date(value)),
    "dob": lambda value: pl.when(value.is_not_null()).then(_is_date(value)),
    "gender": _matches(r"(?i)^\s*(male|female|other|m|f|o)\s*$"),
    "name": _name_valid,
    "ssn": _matches(r"^[0-9]{3}-?[0-9]{2}-?[0-9]{4}$"),
}


def _is_date(value: pl.Expr) -> pl.Expr:
    return value.str.to_date("%Y-%m-%d", strict=False).is_not_null()


# The form that a value must have before a part of it is given; libphonenumber's `valid` asks for more.
FORM: dict[str, Part] = VALID | {"phone": _matches(PHONE), "id": _matches(r"^[^\s@]+$")}


def has_form(type: str, value: pl.Expr) -> pl.Expr:
    """Whether texts are one value of this type, and nothing else besides; any text is a text."""
    return FORM[type](value).fill_null(False) if type in FORM else value.is_not_null()


def component(type: str, name: str, value: pl.Expr, today: pl.Expr) -> pl.Expr:
    """The component `name` of a column, null where the value has not the form of its type; `today` is the day at which
    an age is computed: the end of the window."""
    if type == "dob":
        return _of_birthday(name, value, today)
    return _part(type, name, value)


def _part(type: str, name: str, value: pl.Expr) -> pl.Expr:
    part = COMPONENTS[type][name](value)
    return part if name == "valid" else pl.when(has_form(type, value)).then(part)


def _of_birthday(name: str, born: pl.Expr, today: pl.Expr) -> pl.Expr:
    year = born.dt.year().cast(pl.Int64)
    if name == "year":
        return year
    before = (today.dt.month() * 100 + today.dt.day()) < (
        born.dt.month().cast(pl.Int64) * 100 + born.dt.day()
    )
    return today.dt.year().cast(pl.Int64) - year - before.cast(pl.Int64)


def _at_birthday(name: str, value: str) -> int | None:
    """`year`, or `age on 2024-02-01`; null of what is no date."""
    try:
        born = date.fromisoformat(value[:10])
    except ValueError:
        return None
    if name == "year":
        return born.year
    today = date.fromisoformat(name.removeprefix("age on "))
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


@lru_cache(65_536)
def component_of(type: str, name: str, value: str) -> str | int | bool | None:
    """The same for one value, for rules in SQL that only a function can answer."""
    if type == "dob":
        return _at_birthday(name, value)
    frame = pl.DataFrame({"value": [value]}, schema={"value": pl.String})
    result: str | int | bool | None = frame.select(_part(type, name, pl.col("value"))).item()
    return result


@lru_cache(65_536)
def is_valid(type: str, value: str) -> bool:
    """Whether `value` has the form of `type`; any text is a valid text."""
    if type not in VALID:
        return True
    frame = pl.DataFrame({"value": [value]}, schema={"value": pl.String})
    return bool(frame.select(VALID[type](pl.col("value"))).item())
