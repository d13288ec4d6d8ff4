"""The rule operators as a table: operator -> small function. A negative operator is its positive one, not true."""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import and_, case, literal, or_

from export_pipelines.catalog import Field, Kind, PiiClass
from export_pipelines.definition.filters import Operator as Op
from export_pipelines.definition.filters import Scalar
from export_pipelines.errors import RequestError
from export_pipelines.patterns import SYNTAX, BadPattern, compiled
from export_pipelines.plan.dialects import Dialect
from export_pipelines.plan.dialects.dialect import NO, YES, Expression, Sign
from export_pipelines.plan.query.values import FALSE_WORDS, TRUE_WORDS, Value, coerce

Rhv = Scalar | tuple[Scalar, ...]
MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Operand:
    """The left-hand side: a field or component, its raw column and its value in the SQL of `dialect`."""

    id: str
    kind: Kind
    field: Field
    column: Expression
    value: Expression
    dialect: Dialect
    pii: PiiClass
    is_component: bool = False


def predicate(operand: Operand, op: Op, rhv: Rhv) -> Expression:
    """The SQL of one rule. Raises RequestError for an operator that the field's kind does not know, or a wrong value."""
    positive = NEGATIVE.get(op, op)
    kinds, build = POSITIVE[positive]
    if operand.kind not in kinds:
        raise RequestError(
            f'"{op}" is not for {operand.id}, which holds {operand.kind}',
            remedy=f"allowed: {', '.join(operators_of(operand.kind))}",
        )
    expression = build(operand, rhv)
    return expression if positive is op else case((expression, NO), else_=YES) == YES


def operators_of(kind: Kind) -> list[Op]:
    """The operators that a rule may use on values of `kind`."""
    return [op for op in Op if kind in POSITIVE[NEGATIVE.get(op, op)][0]]


def _compare(operand: Operand, sign: str, value: Value, ascii_only: bool) -> Expression:
    sql, compare = operand.dialect, SIGNS[sign]
    match value:
        case bool():
            return compare(operand.value, sql.boolean_literal(value))
        case Decimal():
            return sql.compare_number(operand.value, compare, value)
        case datetime():
            return _compare_instant(operand, sign, value)
        case date():
            return compare(operand.value, literal(value.isoformat()))
        case str():
            folded = value.lower() if ascii_only else value.casefold()
            return compare(sql.without_case(operand.value, ascii_only), literal(folded))


def _compare_instant(operand: Operand, sign: str, moment: datetime) -> Expression:
    """A time is a tick of one millisecond, the precision of the output: every comparison is `>=` and `<` of ticks."""
    sql, stored_as = operand.dialect, operand.field.stored_as
    value = sql.instant_value(operand.value, stored_as)
    tick = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    this = sql.instant(tick, stored_as)
    if sign in ("<", ">="):
        return SIGNS[sign](value, this)
    after = sql.instant(_next_tick(tick), stored_as)
    match sign:
        case "<=":
            return value < after
        case ">":
            return value >= after
        case _:
            return and_(value >= this, value < after)


def _next_tick(moment: datetime) -> datetime:
    last = datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
    return moment if moment >= last else moment + MILLISECOND


def _sign(sign: str) -> Callable[[Operand, Rhv], Expression]:
    def build(operand: Operand, rhv: Rhv) -> Expression:
        (value,) = _values(operand, rhv, "one value", 1)
        return _compare(operand, sign, value, _ascii([value]))

    return build


def _included(operand: Operand, rhv: Rhv) -> Expression:
    values = _values(operand, rhv, "a list of values")
    ascii_only = _ascii(values)
    if operand.kind is Kind.TEXT:
        texts = [str(value).lower() if ascii_only else str(value).casefold() for value in values]
        return operand.dialect.without_case(operand.value, ascii_only).in_([literal(text) for text in texts])
    return or_(*(_compare(operand, "=", value, ascii_only) for value in values))


def _between(operand: Operand, rhv: Rhv) -> Expression:
    low, high = values = _values(operand, rhv, "a list of two values", 2)
    ascii_only = _ascii(values)
    if _sort_key(high) < _sort_key(low):  # type: ignore[operator]  # both of the same kind
        raise RequestError(
            f"nothing lies between the two values for {operand.id}: the second is the lower",
            remedy="write rhv: [low, high]",
        )
    return and_(_compare(operand, ">=", low, ascii_only), _compare(operand, "<=", high, ascii_only))


def _includes(operand: Operand, rhv: Rhv) -> Expression:
    raw = str(rhv) if isinstance(rhv, int | float) and not isinstance(rhv, bool) else rhv
    (value,) = _values(operand, raw, "one text", 1, Kind.TEXT)
    sql, text = operand.dialect, _some_text(operand, str(value))
    if operand.kind is Kind.JSON:
        return sql.json_list_includes(operand.field, operand.column, text)
    if operand.field.path and not operand.is_component:
        return sql.text_or_list_includes(operand.field, operand.column, text)
    return sql.contains(operand.value, text)


def _some_text(operand: Operand, text: str) -> str:
    if not text:
        raise RequestError(
            f"the rhv for {operand.id} is empty, which every text holds",
            remedy="leave the rule out, or ask whether the field `is blank` or `is not blank`",
        )
    return text


def _matches(operand: Operand, rhv: Rhv) -> Expression:
    (value,) = _values(operand, rhv, "one pattern", 1, Kind.TEXT)
    _some_text(operand, str(value))
    try:
        compiled(str(value))
    except BadPattern as error:
        raise RequestError(
            f"the rhv for {operand.id} is no pattern of RE2: {error}",
            remedy=f"write it as {SYNTAX} has it, in single quotes in YAML",
        ) from error
    return operand.dialect.matches(operand.value, str(value))


def _blank(operand: Operand, rhv: Rhv) -> Expression:
    _nothing(operand, rhv)
    if operand.kind is Kind.JSON:
        return operand.dialect.is_blank_json(operand.value)
    return operand.dialect.is_blank(operand.value)


def _truth(truth: bool) -> Callable[[Operand, Rhv], Expression]:
    def build(operand: Operand, rhv: Rhv) -> Expression:
        _nothing(operand, rhv)
        if operand.kind is Kind.BOOLEAN:
            return operand.value == operand.dialect.boolean_literal(truth)
        words = sorted(TRUE_WORDS if truth else FALSE_WORDS)
        return operand.dialect.without_case(operand.value, True).in_([literal(word) for word in words])

    return build


def _valid(operand: Operand, rhv: Rhv) -> Expression:
    _nothing(operand, rhv)
    return operand.dialect.is_valid(operand.value, operand.field.type)


def _nothing(operand: Operand, rhv: Rhv) -> None:
    if rhv not in (None, ()):
        raise RequestError(f"this operator on {operand.id} takes no rhv", remedy="leave rhv out")


def _values(
    operand: Operand, rhv: Rhv, wanted: str, count: int | None = None, kind: Kind | None = None
) -> Sequence[Value]:
    values = rhv if isinstance(rhv, tuple) else (rhv,)
    wants_list = count != 1
    if isinstance(rhv, tuple) != wants_list or not values or (count and len(values) != count):
        actual = f"a list of {len(values)}" if isinstance(rhv, tuple) else "one value"
        raise RequestError(f"the rhv of this operator on {operand.id} is {wanted}, not {actual}")
    return [coerce(raw, operand.id, kind or operand.kind) for raw in values]


def _ascii(values: Sequence[Value]) -> bool:
    return all(value.isascii() for value in values if isinstance(value, str))


def _sort_key(value: Value) -> Value:
    return value.casefold() if isinstance(value, str) else value


SIGNS: Mapping[str, Sign] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

_EQUATED = frozenset(Kind) - {Kind.JSON}
_ORDERED = _EQUATED - {Kind.BOOLEAN}
_WRITTEN = frozenset({Kind.TEXT, Kind.DATE})

POSITIVE: Mapping[Op, tuple[frozenset[Kind], Callable[[Operand, Rhv], Expression]]] = {
    Op.EQUAL: (_EQUATED, _sign("=")),
    Op.LESS: (_ORDERED, _sign("<")),
    Op.LESS_OR_EQUAL: (_ORDERED, _sign("<=")),
    Op.GREATER: (_ORDERED, _sign(">")),
    Op.GREATER_OR_EQUAL: (_ORDERED, _sign(">=")),
    Op.INCLUDED: (_EQUATED, _included),
    Op.INCLUDES: (_WRITTEN | {Kind.JSON}, _includes),
    Op.BETWEEN: (_ORDERED, _between),
    Op.MATCHES: (_WRITTEN, _matches),
    Op.BLANK: (frozenset(Kind), _blank),
    Op.TRUE: (frozenset({Kind.BOOLEAN, Kind.TEXT}), _truth(True)),
    Op.FALSE: (frozenset({Kind.BOOLEAN, Kind.TEXT}), _truth(False)),
    Op.VALID: (_EQUATED, _valid),
}

NEGATIVE: Mapping[Op, Op] = {
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
