"""SQLite: timestamps, dates and money are text, JSON is text, lower() knows ASCII only; the reader registers FUNCTIONS."""

import operator
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Select,
    Text,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import INTEGER, NUMERIC

from export_pipelines.catalog import Field, Kind, StoredAs
from export_pipelines.catalog.dimensions import Bucket
from export_pipelines.plan.dialects import sqlite_times
from export_pipelines.plan.dialects.dialect import (
    BAD_JSON,
    BLANKS,
    EMPTY_JSON,
    END_S,
    FALSE,
    FIRST_S,
    NO,
    TRUE,
    YES,
    Compiled,
    Expression,
    Sign,
    between,
    compiled_for,
    fixed,
    folded,
    milliseconds,
)
from export_pipelines.plan.dialects.sqlite_json import PLAIN, extracted, inside, letters, may_stand_twice

INT64 = 2**63 - 1
TEXTS = (StoredAs.ISO, StoredAs.SQL)


class Sqlite:
    name = "sqlite"
    groups = True
    ranges = False

    def __init__(self, bad_json_is_null: bool = False) -> None:
        self.bad_json_is_null = bad_json_is_null

    def marks_bad_json(self, field: Field) -> bool:
        return field.path is not None or field.kind is Kind.JSON

    def output(self, field: Field, column: Expression) -> Expression:
        whole = field.path is None and field.kind is Kind.JSON
        output = func.json(column) if whole else inside(field, column, extracted) if field.path else column
        if not self.marks_bad_json(field):
            return output
        return case((func.json_valid(column), output), (column.is_not(None), fixed(BAD_JSON)))

    def repeating(self, fields: Sequence[Field], column: Expression) -> Expression:
        repeated = and_(func.json_valid(column), may_stand_twice(fields, column))
        return cast(case((repeated, column)), Text)

    def value(self, field: Field, column: Expression) -> Expression:
        return _value(field, self._json(column) if field.path else column)

    def _json(self, column: Expression) -> Expression:
        return case((func.json_valid(column), column)) if self.bad_json_is_null else column

    def compare_number(self, value: Expression, sign: Sign, number: Decimal) -> Expression:
        result = sign(value, cast(literal(_number(number)), NUMERIC))
        if sign in (operator.gt, operator.ge):
            return and_(result, _is_number(value))
        return result

    def boolean_literal(self, truth: bool) -> Expression:
        return literal(int(truth))

    def without_case(self, value: Expression, ascii_only: bool) -> Expression:
        return func.lower(value) if ascii_only else func.fold(value)

    def contains(self, value: Expression, text: str) -> Expression:
        return func.instr(self.without_case(value, text.isascii()), folded(text)) > literal_column("0")

    def is_blank(self, value: Expression) -> Expression:
        return or_(value.is_(None), func.trim(value, literal(BLANKS)) == fixed(""))

    def is_blank_json(self, value: Expression) -> Expression:
        # CASE, because json() of an empty text is an error and OR promises no order
        value = self._json(value)
        return case(
            (self.is_blank(value), literal_column("1")),
            else_=func.json(value).in_([fixed(empty) for empty in EMPTY_JSON]),
        ) == literal_column("1")

    def json_list_includes(self, field: Field, column: Expression, text: str) -> Expression:
        def includes(json: Expression, place: Expression) -> Expression:
            is_list = func.json_type(json, place) == fixed("array")
            return case((is_list, _member(json, place, text, self)))

        return inside(field, self._json(column), includes) == literal_column("1")

    def text_or_list_includes(self, field: Field, column: Expression, text: str) -> Expression:
        column = self._json(column)
        contained = self.contains(_value(field, column), text)

        def includes(json: Expression, place: Expression) -> Expression:
            is_list = func.json_type(json, place) == fixed("array")
            return case((is_list, _member(json, place, text, self)), else_=contained)

        return inside(field, column, includes) == literal_column("1")

    def matches(self, value: Expression, pattern: str) -> Expression:
        return func.regexp(pattern, value) == literal_column("1")

    def is_valid(self, value: Expression, type: str) -> Expression:
        return func.is_valid(fixed(type), value) == literal_column("1")

    def component(self, value: Expression, type: str, name: str, kind: Kind) -> Expression:
        return func.component(fixed(type), fixed(name), value)

    def may_hold_no_time(self, field: Field) -> bool:
        return field.kind is Kind.TIMESTAMP and field.stored_as in TEXTS

    def around(self, time: Expression, start: datetime, end: datetime) -> Expression:
        return sqlite_times.around(time, start, end)

    def is_mixed(self, time: Expression) -> Expression:
        return sqlite_times.is_mixed(time)

    def moment_order(self, time: Expression) -> tuple[Expression, ...]:
        return sqlite_times.order(time)

    def within(
        self, value: Expression, stored_as: StoredAs, start: datetime, end: datetime | None
    ) -> Expression:
        if stored_as in TEXTS:
            return sqlite_times.within(value, start, end)
        return between(self, value, stored_as, start, end)

    def instant(self, moment: datetime, stored_as: StoredAs) -> Expression:
        match stored_as:
            case StoredAs.ISO | StoredAs.SQL:
                return sqlite_times.bound(moment)
            case StoredAs.EPOCH_MS:
                return literal(milliseconds(moment))
            case StoredAs.EPOCH_S:
                past = milliseconds(moment)
                return literal(past / 1000 if past % 1000 else past // 1000)

    def instant_value(self, value: Expression, stored_as: StoredAs) -> Expression:
        return sqlite_times.moment(value) if stored_as in TEXTS else value

    def time_of_day(self, value: Expression, stored_as: StoredAs) -> Expression:
        return func.substr(_clock(value, stored_as), literal_column("12"))

    def weekday(self, value: Expression, stored_as: StoredAs) -> Expression:
        return func.strftime(fixed("%w"), _head(_clock(value, stored_as), 10))

    def bucket(self, value: Expression, stored_as: StoredAs, every: Bucket) -> Expression:
        text = _clock(value, stored_as)
        match every:
            case "hour":
                return _head(text, 13).op("||")(fixed(":00:00"))
            case "day":
                return _head(text, 10)
            case "week":
                return func.date(_head(text, 10), fixed("weekday 0"), fixed("-6 days"))
            case "month":
                return _head(text, 7).op("||")(fixed("-01"))

    def cents(self, value: Expression) -> Expression:
        amount = value * literal_column("100")
        return case((_is_whole(amount), amount), else_=cast(func.round(amount), INTEGER))

    def is_cents(self, value: Expression) -> Expression:
        amount = value * literal_column("100")
        exact = and_(
            func.abs(amount) < literal_column("1e15"),  # as a double holds it
            func.abs(amount - func.round(amount)) < literal_column("0.01"),
        )
        return and_(_is_number(value), or_(_is_whole(amount), exact))

    def is_integer(self, field: Field, value: Expression) -> Expression | None:
        number = value * literal_column("1")  # of a text the number that it spells
        return and_(_is_number(value), or_(_is_whole(number), number == func.round(number)))

    def collected(self, value: Expression) -> Expression:
        return func.json_group_array(value).filter(value.is_not(None))

    def compile(self, statement: Select[Any] | CompoundSelect[Any]) -> Compiled:
        return compiled_for(sqlite.dialect(paramstyle="qmark"), statement)


def _value(field: Field, column: Expression) -> Expression:
    text = letters(field, column)
    if field.kind is Kind.BOOLEAN and (field.path or field.semantic_type.name == "boolean"):
        word = func.lower(text)
        return case(
            (word.in_([fixed(name) for name in TRUE]), YES), (word.in_([fixed(name) for name in FALSE]), NO)
        )
    if field.path and field.kind is Kind.TIMESTAMP and field.stored_as not in TEXTS:
        return case((_is_number(text), cast(text, NUMERIC)))
    return text


def _is_number(value: Expression) -> Expression:
    """The affinity of CAST turns a text into a number; what is none stays text, and sorts after all numbers."""
    return value <= cast(literal_column("9e999"), NUMERIC)


def _member(column: Expression, place: Expression, text: str, dialect: Sqlite) -> Expression:
    """Only plain values are members, and numbers as they are written."""
    member = func.json_each(column, place).table_valued("value", "type", "fullkey", name="member")
    spelled = case(
        (member.c.type.in_([fixed(type) for type in PLAIN]), column.op("->")(member.c.fullkey)),
        (member.c.type == fixed("text"), member.c.value),
    )
    same = dialect.without_case(spelled, text.isascii()) == folded(text)
    return exists(select(literal_column("1")).select_from(member).where(same))


def _number(number: Decimal) -> int | str:
    whole = number == number.to_integral_value() and abs(number) <= INT64
    return int(number) if whole else format(number, "f")


def _clock(value: Expression, stored_as: StoredAs) -> Expression:
    """The moment as a clock in UTC shows it: `2024-01-31T10:00:00`, perhaps with a fraction; null outside of the calendar."""
    if stored_as in TEXTS:
        return sqlite_times.moment(value)
    seconds = value.op("/")(literal_column("1000.0")) if stored_as is StoredAs.EPOCH_MS else value
    whole = cast(seconds, INTEGER)
    seconds = whole - (seconds < whole)  # rounded down
    inside = seconds.between(literal_column(str(FIRST_S)), literal_column(str(END_S - 1)))
    return case((inside, func.strftime(fixed("%Y-%m-%dT%H:%M:%S"), seconds, fixed("unixepoch"))))


def _is_whole(number: Expression) -> Expression:
    return func.typeof(number) == fixed("integer")


def _head(text: Expression, length: int) -> Expression:
    return func.substr(text, literal_column("1"), literal_column(str(length)))
