"""MariaDB: times have no zone and mean UTC, JSON is text, texts have collations of their own; the reader's session sets
the modes that this SQL counts on: plain backslashes, UTC, and lists of any length."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NoReturn

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
from sqlalchemy.sql import operators

from export_pipelines.catalog import Field, Kind, StoredAs
from export_pipelines.catalog.dimensions import Bucket
from export_pipelines.plan.dialects.dialect import (
    BAD_JSON,
    BLANK,
    EMPTY_JSON,
    END_S,
    FALSE,
    FIRST_S,
    ISO,
    MANTISSA,
    MOST,
    NEARLY_NOTHING,
    TRUE,
    Compiled,
    Expression,
    NotPushable,
    Sign,
    between,
    compiled_for,
    fixed,
    folded,
    milliseconds,
    steps_of,
)
from export_pipelines.plan.dialects.patterns import pcre

COLLATION = "utf8mb4_nopad_bin"  # by code point; the others take "a " for "a", or "A" for "a"
MOMENT = mysql.DATETIME(fsp=6)
NUMBER = (  # of at most 34 digits before the point
    rf"\A{BLANK}*[-+]?(?=\.?[0-9])0*([0-9]{{0,34}}\.?[0-9]*([eE]-0*[0-9]{{1,2}})?|[0-9]{{0,5}}\.?[0-9]*[eE]\+?0*[12]?[0-9]){BLANK}*\z"
)
NOTHING = rf"\A{BLANK}*{NEARLY_NOTHING}{BLANK}*\z"
ENDLESS = rf"\A{BLANK}*{MANTISSA}([eE]\+?[0-9]+)?{BLANK}*\z"
MOST_WHOLE = "99999999999999999999999999999999999"
TIME = rf"\A{ISO}\z"
OFFSET = r"(Z|[-+]\d\d:\d\d)\z"
ALL_BLANK = r"\A[ \t\n\r]*\z"
DIGITS, PLACES = 65, 30  # what a DECIMAL holds at most, and how many of them after the point
LOWERED_TO_ASCII = ("\u212a", "İ")  # lower() makes k and i of them, which no other database does
REPLACEMENT = "\ufffd"
START = "TIMESTAMP'1970-01-01 00:00:00'"
TICKS = {StoredAs.EPOCH_S: "1000000", StoredAs.EPOCH_MS: "1000"}  # microseconds


class Mariadb:
    name = "mariadb"
    groups = True

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

    def value(self, field: Field, column: Expression) -> Expression:
        inner = _inner(field, column)
        match field.kind:
            case Kind.BOOLEAN if field.path:
                word = func.lower(_text(inner))
                return case(
                    (word.in_([fixed(one) for one in TRUE]), literal_column("1")),
                    (word.in_([fixed(one) for one in FALSE]), literal_column("0")),
                )
            case Kind.TIMESTAMP if field.path:
                return _exact(inner) if field.stored_as in TICKS else _read(_text(inner))
            case Kind.TEXT if field.type != "id" or field.path:
                return _text(inner)
            case Kind.DATE if field.path:
                return _text(inner)
            case _:
                return inner  # bare, so that an index serves; ids are compared by their column's collation

    def compare_number(self, value: Expression, sign: Sign, number: Decimal) -> Expression:
        return sign(_exact(value), _literal_number(number))

    def boolean_literal(self, truth: bool) -> Expression:
        return literal_column("1" if truth else "0")

    def without_case(self, value: Expression, ascii_only: bool) -> Expression:
        if not ascii_only:
            raise NotPushable("what folds into what is older Unicode to the server")
        text = _text(value)
        for letter in LOWERED_TO_ASCII:
            text = func.replace(text, fixed(letter), fixed(REPLACEMENT))
        return func.lower(text).collate(COLLATION)

    def contains(self, value: Expression, text: str) -> Expression:
        place = func.locate(literal(folded(text)), self.without_case(value, text.isascii()))
        return place > literal_column("0")

    def is_blank(self, value: Expression) -> Expression:
        return or_(value.is_(None), _text(value).op("REGEXP")(fixed(ALL_BLANK)))

    def is_blank_json(self, value: Expression) -> Expression:
        # CASE, because an empty text is no JSON, which the server would warn of
        if self.bad_json_is_null:
            value = case((func.json_valid(value), value))
        compact = _text(func.json_compact(value))
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
        return _text(value).op("REGEXP")(literal(pcre(pattern)))

    def is_valid(self, value: Expression, type: str) -> Expression:
        raise NotPushable(f"whether a {type} is valid")

    def component(self, value: Expression, type: str, name: str, kind: Kind) -> Expression:
        raise NotPushable(f"the {name} of a {type}")

    def may_hold_no_time(self, field: Field) -> bool:
        return False

    def around(self, time: Expression, start: datetime, end: datetime) -> NoReturn:
        raise AssertionError("times are times here")

    def is_mixed(self, time: Expression) -> NoReturn:
        raise AssertionError("times are times here")

    def moment_order(self, time: Expression) -> NoReturn:
        raise AssertionError("times are times here")

    def within(
        self, value: Expression, stored_as: StoredAs, start: datetime, end: datetime | None
    ) -> Expression:
        return between(self, value, stored_as, start, end)

    def instant(self, moment: datetime, stored_as: StoredAs) -> Expression:
        match stored_as:
            case StoredAs.EPOCH_MS:
                return literal(milliseconds(moment))
            case StoredAs.EPOCH_S:
                return _literal_number(Decimal(milliseconds(moment)) / 1000)
            case _:
                text = moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", timespec="milliseconds")
                return cast(literal(text), mysql.DATETIME(fsp=3))

    def instant_value(self, value: Expression, stored_as: StoredAs) -> Expression:
        return value

    def time_of_day(self, value: Expression, stored_as: StoredAs) -> Expression:
        return func.date_format(_clock(value, stored_as), fixed("%H:%i:%s.%f"))

    def weekday(self, value: Expression, stored_as: StoredAs) -> Expression:
        return cast(func.dayofweek(_clock(value, stored_as)) - literal_column("1"), Text)

    def bucket(self, value: Expression, stored_as: StoredAs, every: Bucket) -> Expression:
        clock = _clock(value, stored_as)
        match every:
            case "hour":
                return func.date_format(clock, fixed("%Y-%m-%dT%H:00:00"))
            case "day":
                return func.date_format(clock, fixed("%Y-%m-%d"))
            case "week":
                monday = func.timestampadd(literal_column("DAY"), -func.weekday(clock), clock)
                return func.date_format(monday, fixed("%Y-%m-%d"))
            case "month":
                return func.date_format(clock, fixed("%Y-%m-01"))

    def cents(self, value: Expression) -> Expression:
        return cast(func.round(_exact(value) * literal_column("100")), mysql.BIGINT)

    def is_cents(self, value: Expression) -> Expression:
        amount = _exact(value)
        whole = and_(
            func.abs(amount) < literal_column(MOST),
            amount == func.round(amount, literal_column("2")),
        )
        return func.coalesce(whole, literal_column("0")) == literal_column("1")

    def collected(self, value: Expression) -> Expression:
        # GROUP_CONCAT leaves nulls out, which JSON_ARRAYAGG cannot
        return func.concat(fixed("["), func.coalesce(func.group_concat(value), fixed("")), fixed("]"))

    def compile(self, statement: Select[Any] | CompoundSelect[Any]) -> Compiled:
        return compiled_for(mysql.dialect(paramstyle="qmark"), statement)


def _text(value: Expression) -> Expression:
    """The value as a text that is compared by code point, whatever character set and collation its column has."""
    if getattr(value, "operator", None) is operators.collate:
        return value
    return func.convert(value.op("USING")(literal_column("utf8mb4"))).collate(COLLATION)


def _place(field: Field, column: Expression) -> Expression:
    """The JSON value that the field is, still JSON."""
    return func.json_extract(column, _path(field)) if field.path else column


def _inner(field: Field, column: Expression) -> Expression:
    """The column, or the text of what lies inside its JSON; a JSON value stays JSON, its numbers as they are spelled."""
    if field.path is None:
        return column
    place = func.nullif(func.json_compact(_place(field, column)), fixed("null"))
    if field.kind is Kind.JSON:
        return place
    # json_value takes texts, numbers and flags at half the cost; only what it leaves needs the other
    plain: Expression = func.json_value(column, _path(field))
    if field.kind is not Kind.BOOLEAN:  # a truth is its letters, and json_value makes a digit of it
        plain = case(
            (plain.in_([fixed("0"), fixed("1")]), func.json_unquote(_place(field, column))), else_=plain
        )
    return func.coalesce(plain, place)


def _read(text: Expression) -> Expression:
    """The moment that a text is, in UTC; null for what is no time. A cast knows no offsets."""
    clock = cast(func.regexp_replace(text, fixed(OFFSET), fixed("")), MOMENT)
    offset = func.regexp_substr(text, fixed(r"[-+]\d\d:\d\d\z"))
    hours = cast(func.substr(offset, literal_column("2"), literal_column("2")), mysql.INTEGER)
    minutes = cast(func.substr(offset, literal_column("5"), literal_column("2")), mysql.INTEGER)
    shift = hours * literal_column("60") + minutes
    moved = func.timestampadd(
        literal_column("MINUTE"), case((offset.like(fixed("-%")), shift), else_=-shift), clock
    )
    return case((text.op("REGEXP")(fixed(TIME)), case((offset == fixed(""), clock), else_=moved)))


def _clock(value: Expression, stored_as: StoredAs) -> Expression:
    """The moment as a clock in UTC shows it; null outside of the calendar."""
    if stored_as not in TICKS:
        return value
    ticks = cast(func.floor(value * literal_column(TICKS[stored_as])), mysql.BIGINT)
    second: Expression = literal_column(str(1_000_000 // int(TICKS[stored_as])))
    inside = and_(value >= literal_column(str(FIRST_S)) * second, value < literal_column(str(END_S)) * second)
    return case((inside, func.timestampadd(literal_column("MICROSECOND"), ticks, literal_column(START))))


def _exact(value: Expression) -> Expression:
    """The number that a text or a number is; null for what is none. Of more digits than a DECIMAL holds it is the largest
    one, or nothing."""
    text = _text(value)
    is_less = text.op("REGEXP")(fixed(rf"\A{BLANK}*-"))
    most = cast(literal_column(MOST_WHOLE), mysql.DECIMAL(DIGITS, PLACES))
    return case(
        (text.op("REGEXP")(fixed(NUMBER)), cast(func.trim(text), mysql.DECIMAL(DIGITS, PLACES))),
        (text.op("REGEXP")(fixed(NOTHING)), literal_column("0")),
        (text.op("REGEXP")(fixed(ENDLESS)), case((is_less, -most), else_=most)),
    )


def _literal_number(number: Decimal) -> Expression:
    return cast(literal(format(number, "f")), mysql.DECIMAL(DIGITS, PLACES))


def _is_list(place: Expression) -> Expression:
    return func.json_type(place) == fixed("ARRAY")


def _member(place: Expression, text: str, dialect: Mariadb) -> Expression:
    columns: Expression = literal_column("'$[*]' COLUMNS (value LONGTEXT PATH '$')")
    member = func.json_table(place, columns).table_valued("value", name="member")
    same = dialect.without_case(member.c.value, text.isascii()) == literal(folded(text))
    return exists(select(literal_column("1")).select_from(member).where(same))


def _path(field: Field) -> Expression:
    """`'$."geo"."lat"'`, a literal: a bound path would hide the field in the printed SQL."""
    return fixed("$" + "".join(f'."{step}"' for step in steps_of(field, "\"'\\")))
