"""MariaDB: times have no zone and mean UTC, JSON is text, texts have collations of their own; the reader's session sets
the modes that this SQL counts on: plain backslashes, UTC, and lists of any length."""

from collections.abc import Sequence
from datetime import UTC, datetime
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
from sqlalchemy.dialects import mysql

from export_pipelines.catalog import Field, Kind, StoredAs
from export_pipelines.catalog.dimensions import Bucket
from export_pipelines.plan.dialects.dialect import (
    BAD_JSON,
    EMPTY_JSON,
    FALSE,
    MOST,
    TRUE,
    Compiled,
    Expression,
    NotPushable,
    Sign,
    compiled_for,
    fixed,
    folded,
    milliseconds,
    steps_of,
)
from export_pipelines.plan.dialects.mariadb_json import first_inside, may_stand_twice, path_of
from export_pipelines.plan.dialects.mariadb_values import (
    COLLATION,
    TICKS,
    as_text,
    clock,
    exact,
    literal_number,
    moment_in,
)
from export_pipelines.plan.dialects.patterns import pcre
from export_pipelines.plan.dialects.typed_times import TypedTimes

ALL_BLANK = r"\A[ \t\n\r]*\z"
LOWERED_TO_ASCII = ("\u212a", "İ")  # lower() makes k and i of them, which no other database does
REPLACEMENT = "\ufffd"


class Mariadb(TypedTimes):
    name = "mariadb"
    groups = True
    ranges = False

    def __init__(self, bad_json_is_null: bool = False) -> None:
        self.bad_json_is_null = bad_json_is_null

    def marks_bad_json(self, field: Field) -> bool:
        return field.kind is Kind.JSON if field.path is None else self.bad_json_is_null

    def output(self, field: Field, column: Expression) -> Expression:
        # the server spells every value as text, exactly; what is no JSON becomes null where JSON is asked for
        if field.path is None and field.kind is Kind.JSON:
            return case((column.is_not(None), func.coalesce(func.json_compact(column), fixed(BAD_JSON))))
        if not field.path:
            return column
        place = _place(field, column)
        if self.bad_json_is_null:
            return case((func.json_valid(column), place), (column.is_not(None), fixed(BAD_JSON)))
        return place

    def repeating(self, fields: Sequence[Field], column: Expression) -> Expression:
        repeated = or_(*(may_stand_twice(column, _steps(field)) for field in fields))
        return case((and_(func.json_valid(column), repeated), column))

    def value(self, field: Field, column: Expression) -> Expression:
        inner = _inner(field, column)
        match field.kind:
            case Kind.BOOLEAN if field.path:
                word = func.lower(as_text(inner))
                return case(
                    (word.in_([fixed(name) for name in TRUE]), literal_column("1")),
                    (word.in_([fixed(name) for name in FALSE]), literal_column("0")),
                )
            case Kind.TIMESTAMP if field.path:
                return exact(inner) if field.stored_as in TICKS else moment_in(as_text(inner))
            case Kind.TEXT if field.type != "id" or field.path:
                return as_text(inner)
            case Kind.DATE if field.path:
                return as_text(inner)
            case _:
                return inner  # bare, so that an index serves; ids are compared by their column's collation

    def compare_number(self, value: Expression, sign: Sign, number: Decimal) -> Expression:
        return sign(exact(value), literal_number(number))

    def boolean_literal(self, truth: bool) -> Expression:
        return literal_column("1" if truth else "0")

    def without_case(self, value: Expression, ascii_only: bool) -> Expression:
        if not ascii_only:
            raise NotPushable("what folds into what is older Unicode to the server")
        text = as_text(value)
        for letter in LOWERED_TO_ASCII:
            text = func.replace(text, fixed(letter), fixed(REPLACEMENT))
        return func.lower(text).collate(COLLATION)

    def contains(self, value: Expression, text: str) -> Expression:
        place = func.locate(literal(folded(text)), self.without_case(value, text.isascii()))
        return place > literal_column("0")

    def is_blank(self, value: Expression) -> Expression:
        return or_(value.is_(None), as_text(value).op("REGEXP")(fixed(ALL_BLANK)))

    def is_blank_json(self, value: Expression) -> Expression:
        # CASE, because an empty text is no JSON, which the server would warn of
        if self.bad_json_is_null:
            value = case((func.json_valid(value), value))
        compact = as_text(func.json_compact(value))
        return case(
            (self.is_blank(value), literal_column("1")),
            else_=compact.in_([fixed(empty) for empty in EMPTY_JSON]),
        ) == literal_column("1")

    def json_list_includes(self, field: Field, column: Expression, text: str) -> Expression:
        place = _place(field, column)
        return case((_is_list(place), _member(place, text, self))) == literal_column("1")

    def text_or_list_includes(self, field: Field, column: Expression, text: str) -> Expression:
        place = _place(field, column)
        contained = self.contains(self.value(field, column), text)
        return case((_is_list(place), _member(place, text, self)), else_=contained) == literal_column("1")

    def matches(self, value: Expression, pattern: str) -> Expression:
        return as_text(value).op("REGEXP")(literal(pcre(pattern)))

    def instant(self, moment: datetime, stored_as: StoredAs) -> Expression:
        match stored_as:
            case StoredAs.EPOCH_MS:
                return literal(milliseconds(moment))
            case StoredAs.EPOCH_S:
                return literal_number(Decimal(milliseconds(moment)) / 1000)
            case _:
                text = moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", timespec="milliseconds")
                return cast(literal(text), mysql.DATETIME(fsp=3))

    def instant_value(self, value: Expression, stored_as: StoredAs) -> Expression:
        return value

    def time_of_day(self, value: Expression, stored_as: StoredAs) -> Expression:
        return func.date_format(clock(value, stored_as), fixed("%H:%i:%s.%f"))

    def weekday(self, value: Expression, stored_as: StoredAs) -> Expression:
        return cast(func.dayofweek(clock(value, stored_as)) - literal_column("1"), Text)

    def bucket(self, value: Expression, stored_as: StoredAs, every: Bucket) -> Expression:
        time = clock(value, stored_as)
        match every:
            case "hour":
                return func.date_format(time, fixed("%Y-%m-%dT%H:00:00"))
            case "day":
                return func.date_format(time, fixed("%Y-%m-%d"))
            case "week":
                monday = func.timestampadd(literal_column("DAY"), -func.weekday(time), time)
                return func.date_format(monday, fixed("%Y-%m-%d"))
            case "month":
                return func.date_format(time, fixed("%Y-%m-01"))

    def cents(self, value: Expression) -> Expression:
        return cast(func.round(exact(value) * literal_column("100")), mysql.BIGINT)

    def is_cents(self, value: Expression) -> Expression:
        amount = exact(value)
        whole = and_(
            func.abs(amount) < literal_column(MOST),
            amount == func.round(amount, literal_column("2")),
        )
        return func.coalesce(whole, literal_column("0")) == literal_column("1")

    def is_integer(self, field: Field, value: Expression) -> Expression | None:
        return None

    def collected(self, value: Expression) -> Expression:
        # GROUP_CONCAT leaves nulls out, which JSON_ARRAYAGG cannot
        return func.concat(fixed("["), func.coalesce(func.group_concat(value), fixed("")), fixed("]"))

    def compile(self, statement: Select[Any] | CompoundSelect[Any]) -> Compiled:
        return compiled_for(mysql.dialect(paramstyle="qmark"), statement)


def _place(field: Field, column: Expression) -> Expression:
    """The JSON value that the field is, still JSON."""
    if field.path is None:
        return column
    usual = func.json_extract(column, _path(field))
    return case((may_stand_twice(column, _steps(field)), first_inside(column, _steps(field))), else_=usual)


def _inner(field: Field, column: Expression) -> Expression:
    """The column, or the text of what lies inside its JSON; a JSON value stays JSON, its numbers as they are spelled."""
    if field.path is None:
        return column
    place = func.nullif(func.json_compact(_place(field, column)), fixed("null"))
    if field.kind is Kind.JSON:
        return place
    # json_value takes texts, numbers and flags at half the cost; only what it leaves needs the other. Of a key that stands
    # twice it takes the first that is none of the others.
    usual: Expression = func.json_value(column, _path(field))
    first = func.json_value(first_inside(column, _steps(field)), fixed("$"))
    plain: Expression = case((may_stand_twice(column, _steps(field)), first), else_=usual)
    if field.kind is not Kind.BOOLEAN:  # a truth is its letters, and json_value makes a digit of it
        plain = case(
            (plain.in_([fixed("0"), fixed("1")]), func.json_unquote(_place(field, column))), else_=plain
        )
    return func.coalesce(plain, place)


def _is_list(place: Expression) -> Expression:
    return func.json_type(place) == fixed("ARRAY")


def _member(place: Expression, text: str, dialect: Mariadb) -> Expression:
    columns: Expression = literal_column("'$[*]' COLUMNS (value LONGTEXT PATH '$')")
    member = func.json_table(place, columns).table_valued("value", name="member")
    same = dialect.without_case(member.c.value, text.isascii()) == literal(folded(text))
    return exists(select(literal_column("1")).select_from(member).where(same))


def _path(field: Field) -> Expression:
    """`'$."geo"."lat"'`, a literal: a bound path would hide the field in the printed SQL."""
    return fixed(path_of(_steps(field)))


def _steps(field: Field) -> list[str]:
    return steps_of(field, "\"'\\")
