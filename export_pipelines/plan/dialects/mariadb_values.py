"""What a stored text is to MariaDB: a text by code point, an exact number, a moment in UTC."""

from decimal import Decimal

from sqlalchemy import and_, case, cast, func, literal, literal_column
from sqlalchemy.dialects import mysql
from sqlalchemy.sql import operators

from export_pipelines.catalog import StoredAs
from export_pipelines.plan.dialects.dialect import (
    BLANK,
    END_S,
    FIRST_S,
    ISO,
    MANTISSA,
    NEARLY_NOTHING,
    Expression,
    fixed,
)

COLLATION = "utf8mb4_nopad_bin"  # by code point; the others take "a " for "a", or "A" for "a"
MOMENT = mysql.DATETIME(fsp=6)
NUMBER = (  # of at most 34 digits before the point
    rf"\A{BLANK}*[-+]?(?=\.?[0-9])0*([0-9]{{0,34}}\.?[0-9]*([eE]-0*[0-9]{{1,2}})?|[0-9]{{0,5}}\.?[0-9]*[eE]\+?0*[12]?[0-9]){BLANK}*\z"
)
NOTHING = rf"\A{BLANK}*{NEARLY_NOTHING}{BLANK}*\z"
ENDLESS = rf"\A{BLANK}*{MANTISSA}([eE]\+?[0-9]+)?{BLANK}*\z"
MOST_WHOLE = "99999999999999999999999999999999999"
DIGITS, PLACES = 65, 30  # what a DECIMAL holds at most, and how many of them after the point
TIME = rf"\A{ISO}\z"
OFFSET = r"(Z|[-+]\d\d:\d\d)\z"
START = "TIMESTAMP'1970-01-01 00:00:00'"
TICKS = {StoredAs.EPOCH_S: "1000000", StoredAs.EPOCH_MS: "1000"}  # microseconds


def as_text(value: Expression) -> Expression:
    """The value as a text that is compared by code point, whatever character set and collation its column has."""
    if getattr(value, "operator", None) is operators.collate:
        return value
    return func.convert(value.op("USING")(literal_column("utf8mb4"))).collate(COLLATION)


def moment_in(text: Expression) -> Expression:
    """The moment that a text is, in UTC; null for what is no time. A cast knows no offsets."""
    stated = cast(func.regexp_replace(text, fixed(OFFSET), fixed("")), MOMENT)
    offset = func.regexp_substr(text, fixed(r"[-+]\d\d:\d\d\z"))
    hours = cast(func.substr(offset, literal_column("2"), literal_column("2")), mysql.INTEGER)
    minutes = cast(func.substr(offset, literal_column("5"), literal_column("2")), mysql.INTEGER)
    shift = hours * literal_column("60") + minutes
    moved = func.timestampadd(
        literal_column("MINUTE"), case((offset.like(fixed("-%")), shift), else_=-shift), stated
    )
    return case((text.op("REGEXP")(fixed(TIME)), case((offset == fixed(""), stated), else_=moved)))


def clock(value: Expression, stored_as: StoredAs) -> Expression:
    """The moment as a clock in UTC shows it; null outside of the calendar."""
    if stored_as not in TICKS:
        return value
    ticks = cast(func.floor(value * literal_column(TICKS[stored_as])), mysql.BIGINT)
    second: Expression = literal_column(str(1_000_000 // int(TICKS[stored_as])))
    inside = and_(value >= literal_column(str(FIRST_S)) * second, value < literal_column(str(END_S)) * second)
    return case((inside, func.timestampadd(literal_column("MICROSECOND"), ticks, literal_column(START))))


def exact(value: Expression) -> Expression:
    """The number that a text or a number is; null for what is none. Of more digits than a DECIMAL holds it is the largest
    one, or nothing."""
    text = as_text(value)
    is_less = text.op("REGEXP")(fixed(rf"\A{BLANK}*-"))
    most = cast(literal_column(MOST_WHOLE), mysql.DECIMAL(DIGITS, PLACES))
    return case(
        (text.op("REGEXP")(fixed(NUMBER)), cast(func.trim(text), mysql.DECIMAL(DIGITS, PLACES))),
        (text.op("REGEXP")(fixed(NOTHING)), literal_column("0")),
        (text.op("REGEXP")(fixed(ENDLESS)), case((is_less, -most), else_=most)),
    )


def literal_number(number: Decimal) -> Expression:
    """The number as a parameter, exactly."""
    return cast(literal(format(number, "f")), mysql.DECIMAL(DIGITS, PLACES))
