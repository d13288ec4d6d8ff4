"""A filter against the catalog: fields that exist, operators with the values they take, values of the field's kind."""

import re
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import date, datetime

from export_pipelines.catalog import Component, Dataset, Field, Kind
from export_pipelines.definition.filters import Filter, Operator, Rule, RuleSet, Scalar, rules_in
from export_pipelines.definition.selection import exportable
from export_pipelines.definition.words import read_number
from export_pipelines.errors import CatalogError
from export_pipelines.patterns import SYNTAX, BadPattern, compiled
from export_pipelines.yaml.lines import Key

Op = Operator
Faults = Iterator[tuple[Key, str]]

UNARY = frozenset(
    {Op.BLANK, Op.NOT_BLANK, Op.TRUE, Op.NOT_TRUE, Op.FALSE, Op.NOT_FALSE, Op.VALID, Op.INVALID}
)
LISTS = frozenset({Op.INCLUDED, Op.NOT_INCLUDED})
PAIRS = frozenset({Op.BETWEEN, Op.NOT_BETWEEN})
PATTERNS = frozenset({Op.MATCHES, Op.NOT_MATCHES})
SUBSTRINGS = frozenset({Op.INCLUDES, Op.NOT_INCLUDES})
BOOLEAN_WORDS = frozenset({"yes", "true", "t", "1", "no", "false", "f", "0"})


def filter_faults(chosen: Filter, dataset: Dataset) -> Faults:
    """Every fault with its key below `filter`. No text repeats a value: it may be a person's."""
    if chosen.events and "event_type" not in dataset.by_id:
        yield ("events",), "leads have no events to choose from; filter by outcome instead"
    if chosen.missing_ids == "allow" and not chosen.lead_ids:
        yield ("missing_ids",), "it says what becomes of lead_ids, and there are none"
    for id, values in chosen.where.items():
        yield from _where(id, values, dataset)
    for place, rule in enumerate(chosen.rules):
        yield from _any_rule(rule, ("rules", place), dataset)


def personal_values(chosen: Filter, dataset: Dataset) -> Iterator[tuple[Key, str]]:
    """Keys below `filter` whose values are compared with a personal field, and the field."""
    for id in chosen.where:
        if dataset.find(id).compared.is_secret:
            yield ("where", id), id
    for place, rule in enumerate(chosen.rules):
        for leaf in rules_in(rule):
            if leaf.rhv is not None and dataset.find(leaf.lhv).compared.is_secret:
                yield ("rules", place), leaf.lhv


def _where(id: str, values: Scalar | tuple[Scalar, ...], dataset: Dataset) -> Faults:
    key: Key = ("where", id)
    field = yield from _field(id, key, dataset)
    if field is None:
        return
    if values == ():
        yield key, "at least one value is expected, not an empty list"
    if not exportable(field):
        yield key, _never_in_a_file(id)
    for n, value in _keyed(values):
        if value is not None:
            yield from (((*key, *n), text) for text in _wrong_value(field, value))


def _keyed(values: Scalar | tuple[Scalar, ...]) -> Iterable[tuple[Key, Scalar]]:
    return [((n,), value) for n, value in enumerate(values)] if isinstance(values, tuple) else [((), values)]


def _any_rule(rule: Rule | RuleSet, key: Key, dataset: Dataset) -> Faults:
    if isinstance(rule, RuleSet):
        for place, inner in enumerate(rule.rules):
            yield from _any_rule(inner, (*key, "rules", place), dataset)
        return
    field = yield from _field(rule.lhv, (*key, "lhv"), dataset)
    yield from (((*key, "rhv"), text) for text in _rhv(rule, field))


def _field(id: str, key: Key, dataset: Dataset) -> Generator[tuple[Key, str], None, Field | Component | None]:
    try:
        return dataset.find(id)
    except CatalogError as error:
        yield key, error.what
        return None


def _rhv(rule: Rule, field: Field | Component | None) -> Iterator[str]:
    """What is wrong with the right-hand value, its shape first."""
    if rule.op in UNARY:
        if rule.rhv is not None:
            yield f'"{rule.op}" takes no rhv; leave it out'
        return
    shape = _shape_fault(rule)
    if shape:
        yield shape
    elif field is not None and not exportable(field):
        yield _never_in_a_file(rule.lhv)
    elif rule.op in PATTERNS:
        yield from _pattern(rule.rhv)
    elif field is not None:
        for value in rule.rhv if isinstance(rule.rhv, tuple) else (rule.rhv,):
            yield from _wrong_value(field, value, Kind.TEXT if rule.op in SUBSTRINGS else None)


def _shape_fault(rule: Rule) -> str | None:
    rhv = rule.rhv
    if rhv is None:
        return f'"{rule.op}" needs an rhv, the value to compare with; for no value at all, use "is blank"'
    if rule.op in LISTS and (not isinstance(rhv, tuple) or not rhv):
        return f'"{rule.op}" takes a list of at least one value, as rhv: [a, b]'
    if rule.op in PAIRS and (not isinstance(rhv, tuple) or len(rhv) != 2):
        return f'"{rule.op}" takes exactly two values, as rhv: [low, high]'
    if rule.op not in LISTS | PAIRS and isinstance(rhv, tuple):
        return f'"{rule.op}" takes one value, not a list; "is included in" takes a list'
    return None


def _pattern(rhv: Scalar | tuple[Scalar, ...]) -> Iterator[str]:
    if not isinstance(rhv, str):
        yield "a pattern is expected, in quotes"
        return
    try:
        compiled(rhv)
    except BadPattern as error:
        yield f"no pattern of RE2 ({SYNTAX}): {error}"


def _wrong_value(field: Field | Component, value: Scalar, kind: Kind | None = None) -> Iterator[str]:
    wanted, fits = _KINDS[kind or field.kind]
    if value is None:
        yield f'{field.id} cannot be compared with nothing; use "is blank"'
    elif not fits(value):
        hint = "; put it in quotes" if wanted == "text" else ""
        yield f"{field.id} holds {field.kind}: {wanted} is expected, not {_named(value)}{hint}"


def _named(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true or false"
    return "text" if isinstance(value, str) else "a number"


def _never_in_a_file(id: str) -> str:
    return f'values of "{id}" never stand in a file; only "is blank" and "format is valid" may ask about it'


def _is_number(value: Scalar) -> bool:
    return read_number(value) is not None


def _is_date(value: Scalar) -> bool:
    try:
        return isinstance(value, str) and bool(
            re.fullmatch(r"\d{4}-\d{2}-\d{2}", value) and date.fromisoformat(value)
        )
    except ValueError:
        return False


def _is_moment(value: Scalar) -> bool:
    try:
        return _is_date(value) or (
            isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
        )
    except ValueError:
        return False


_NUMBER = ("a number such as 25 or 25.50", _is_number)
_TEXT = ("text", lambda value: isinstance(value, str))
_KINDS: dict[Kind, tuple[str, Callable[[Scalar], bool]]] = {
    Kind.TEXT: _TEXT,
    Kind.JSON: _TEXT,
    Kind.INTEGER: _NUMBER,
    Kind.NUMBER: _NUMBER,
    Kind.DECIMAL: _NUMBER,
    Kind.BOOLEAN: ("true or false", lambda value: str(value).strip().lower() in BOOLEAN_WORDS),
    Kind.DATE: ("a date that exists, as 2024-01-15,", _is_date),
    Kind.TIMESTAMP: ("a time with its zone, as 2024-01-15T10:30:00Z, or a date", _is_moment),
}
