"""What must go out of a lead, by the recognisers alone: no prefilter, no batch, and objects by a walk of our own."""

import json
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, NamedTuple

from export_pipelines.catalog.never_exported import never_exported_type
from export_pipelines.mask import recognise
from export_pipelines.mask.own import Own, own_of
from export_pipelines.mask.redact_columns import redactor
from export_pipelines.transform.components import is_valid

UTM = ("utm_*",)
DECLARED = {"product_type", "loan_amount", "homeowner", "utm_campaign"}  # in `custom`, free of personal data
TYPES = {"comments": "text", "city": "city", "user_agent": "user_agent", "gender": "gender"}
OWN = {"first_name": "name", "last_name": "name", "address_1": "street", "dob": "dob"}
Text = Callable[[str], str]


class Number(str):
    """A JSON number in its letters."""


class Pairs(list[tuple[str, Any]]):
    """A JSON object: its entries in order, with keys that stand twice."""


class Expected(NamedTuple):
    redacted: dict[str, Any]
    without_privacy: dict[str, Any]


def own(lead: dict[str, Any], types: dict[str, str]) -> Own:
    return own_of(tuple((type, str(lead[id])) for id, type in types.items() if lead.get(id) is not None))


def expected(lead: dict[str, Any]) -> Expected:
    """The texts of a lead under `redact`, and without any privacy. An object is given as `parsed`."""
    whole, never = own(lead, {**OWN, "ssn": "ssn"}), own(lead, {"ssn": "ssn"})

    def never_exported(text: str) -> str:
        return recognise.redact(text, never, (recognise.never_exported,))

    redacted: dict[str, Any] = {
        id: _of(lead[id], lambda text, type=type: redactor(type)(text, whole))  # type: ignore[misc]
        for id, type in TYPES.items()
    }
    if lead["gender"] is not None and is_valid("gender", lead["gender"]):
        redacted["gender"] = lead["gender"]
    redacted["landing_page"] = _of(lead["landing_page"], lambda text: redactor("url", UTM)(text, whole))
    redacted["custom"] = _of(lead["custom"], lambda text: _object(text, redactor("text"), whole, DECLARED))
    plain: dict[str, Any] = {id: _of(lead[id], never_exported) for id in (*TYPES, "landing_page")}
    plain["custom"] = _of(lead["custom"], lambda text: _object(text, None, never, DECLARED))
    return Expected(redacted, plain)


def parsed(text: str) -> Any:
    return json.loads(
        text, object_pairs_hook=Pairs, parse_int=Number, parse_float=Number, parse_constant=Number
    )


def without_repeats(value: Any) -> Any:
    """Of keys that stand twice, the first value."""
    if isinstance(value, Pairs):
        firsts = dict(reversed(value))
        return Pairs((key, without_repeats(firsts.pop(key))) for key, _ in value if key in firsts)
    return list(map(without_repeats, value)) if isinstance(value, list) else value


def same(value: Any, other: Any) -> bool:
    """Whether two parsed values are equal; redacted keys that would be the same may be told apart in some way."""
    if isinstance(value, Pairs) and isinstance(other, Pairs):
        keys = [key for key, _ in other]
        return len(value) == len(other) and all(
            (key == name or (keys.count(name) > 1 and key.startswith(name))) and same(left, right)
            for (key, left), (name, right) in zip(value, other, strict=True)
        )
    if isinstance(value, list) and isinstance(other, list):
        return len(value) == len(other) and all(map(same, value, other))
    return type(value) is type(other) and bool(value == other)


def _of(value: str | None, shown: Callable[[str], Any]) -> Any:
    return None if value is None else shown(value)


def _object(text: str, redact: Any, own: Own, declared: Iterable[str]) -> Any:
    """`redact` None: only what is never exported is taken out."""

    def string(value: str) -> str:
        return redact(value, own) if redact else recognise.redact(value, own, (recognise.never_exported,))

    def number(value: Number) -> Number | None:
        exponent = value.lower().partition("e")[2]
        if abs(int(exponent or "0")) > 30:
            return value
        digits, fraction = divmod(abs(Fraction(value)), 1)
        is_long = redact is not None and digits >= 10**8
        return None if fraction == 0 and (is_long or str(digits) in own.never) else value

    def walk(value: Any, top: bool = False) -> Any:
        if isinstance(value, Pairs):
            return Pairs(entry(key, inner, top) for key, inner in value)
        if isinstance(value, list):
            return [walk(inner, top) for inner in value]
        if isinstance(value, Number):
            return number(value)
        return string(value) if isinstance(value, str) else value

    def entry(key: str, value: Any, top: bool) -> tuple[str, Any]:
        if top and key in declared:
            return key, value
        if value is not None and never_exported_type(key):
            return key, None
        return string(key), walk(value)

    return walk(without_repeats(parsed(text)), top=True)
