"""PostgreSQL: columns hold the real types, JSON is json or jsonb."""

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
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import BIGINT, NUMERIC, TIMESTAMP

from export_pipelines.catalog import Field, Kind, StoredAs
from export_pipelines.catalog.dimensions import Bucket
from export_pipelines.plan.dialects.dialect import (
    BLANK,
    BLANKS,
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
    compiled_for,
    escape_in,
    fixed,
    folded,
    milliseconds,
    steps_of,
)
from export_pipelines.plan.dialects.patterns import posix
from export_pipelines.plan.dialects.typed_times import TypedTimes

MOMENT = TIMESTAMP(timezone=True)
JSON = postgresql.JSON()
NUMBER = rf"^{BLANK}*{MANTISSA}([eE](\+?[0-9]{{1,3}}|-0*[0-3]?[0-9]{{1,2}}))?{BLANK}*$"
NOTHING = rf"^{BLANK}*{NEARLY_NOTHING}{BLANK}*$"
ENDLESS = rf"^{BLANK}*{MANTISSA}[eE]\+?[0-9]+{BLANK}*$"
EPOCHS = {StoredAs.EPOCH_S: "1", StoredAs.EPOCH_MS: "1000"}  # of a second
TIME = f"^{ISO}$"
BEYOND_MICROSECONDS = r"(\.[0-9]{6})[0-9]+"
EMPTY = r"^[ \t\n\r]*(\{[ \t\n\r]*\}|\[[ \t\n\r]*\]|\"\"|null)[ \t\n\r]*$"


class Postgresql(TypedTimes):
    name = "postgresql"
    groups = True
    ranges = True

    def marks_bad_json(self, field: Field) -> bool:
        return False  # its JSON types hold none

    def output(self, field: Field, column: Expression) -> Expression:
        # as text everything is exact: no number is rounded, no array flattened, and `infinity` stays a word
        if field.path:
            return cast(_place(field, column), Text)
        if field.kind is Kind.TIMESTAMP and field.stored_as not in EPOCHS:
            return cast(column, MOMENT)
        # the inner cast costs nothing on JSON, and refuses a text that is none
        return cast(cast(column, JSON) if field.kind is Kind.JSON else column, Text)

    def repeating(self, fields: Sequence[Field], column: Expression) -> Expression:
        return case((_may_stand_twice(fields, column), cast(column, Text)))

    def value(self, field: Field, column: Expression) -> Expression:
        inner = _inner_text(field, column)
        match field.kind:
            case Kind.BOOLEAN if field.path:
                word = func.lower(inner)
                return case(
                    (word.in_([fixed(name) for name in TRUE]), literal_column("true")),
                    (word.in_([fixed(name) for name in FALSE]), literal_column("false")),
                )
            case Kind.DATE:
                return cast(inner, Text)
            case Kind.TIMESTAMP if field.path:
                return _exact(inner) if field.stored_as in EPOCHS else _read(inner)
            case _:
                return inner

    def compare_number(self, value: Expression, sign: Sign, number: Decimal) -> Expression:
        return sign(_exact(value), cast(literal(format(number, "f")), NUMERIC))

    def boolean_literal(self, truth: bool) -> Expression:
        return literal_column("true" if truth else "false")

    def without_case(self, value: Expression, ascii_only: bool) -> Expression:
        if not ascii_only:
            raise NotPushable("what folds into what depends on the locale")
        return func.lower(cast(value, Text).collate("C"))

    def contains(self, value: Expression, text: str) -> Expression:
        return func.strpos(self.without_case(value, text.isascii()), literal(folded(text))) > literal_column(
            "0"
        )

    def is_blank(self, value: Expression) -> Expression:
        return or_(value.is_(None), func.btrim(cast(value, Text), literal(BLANKS)) == fixed(""))

    def is_blank_json(self, value: Expression) -> Expression:
        return or_(value.is_(None), cast(value, Text).op("~")(fixed(EMPTY)))

    def json_list_includes(self, field: Field, column: Expression, text: str) -> Expression:
        place = _place(field, column)
        return case((_is_list(place), _member(place, text, self))).is_(literal_column("true"))

    def text_or_list_includes(self, field: Field, column: Expression, text: str) -> Expression:
        place = _place(field, column)
        contained = self.contains(self.value(field, column), text)
        return case((_is_list(place), _member(place, text, self)), else_=contained).is_(
            literal_column("true")
        )

    def matches(self, value: Expression, pattern: str) -> Expression:
        return cast(value, Text).op("~")(literal(posix(pattern)))

    def instant(self, moment: datetime, stored_as: StoredAs) -> Expression:
        match stored_as:
            case StoredAs.EPOCH_MS:
                return literal(milliseconds(moment))
            case StoredAs.EPOCH_S:
                return cast(literal(str(Decimal(milliseconds(moment)) / 1000)), NUMERIC)
            case _:
                return cast(literal(moment.isoformat()), MOMENT)

    def instant_value(self, value: Expression, stored_as: StoredAs) -> Expression:
        return value

    def time_of_day(self, value: Expression, stored_as: StoredAs) -> Expression:
        return func.to_char(_clock(value, stored_as), fixed("HH24:MI:SS.MS")).collate("C")

    def weekday(self, value: Expression, stored_as: StoredAs) -> Expression:
        return cast(func.date_part(fixed("dow"), _clock(value, stored_as)), Text)

    def bucket(self, value: Expression, stored_as: StoredAs, every: Bucket) -> Expression:
        start = func.date_trunc(fixed(every), _clock(value, stored_as))
        return func.to_char(start, fixed('YYYY-MM-DD"T"HH24:MI:SS' if every == "hour" else "YYYY-MM-DD"))

    def cents(self, value: Expression) -> Expression:
        return cast(func.round(_exact(value) * literal_column("100")), BIGINT)

    def is_cents(self, value: Expression) -> Expression:
        amount = _exact(value)
        whole = and_(
            func.abs(amount) < literal_column(MOST), amount == func.round(amount, literal_column("2"))
        )
        return func.coalesce(whole, literal_column("false"))

    def is_integer(self, field: Field, value: Expression) -> Expression | None:
        return None

    def collected(self, value: Expression) -> Expression:
        values = func.json_agg(value).filter(value.is_not(None))
        return func.coalesce(cast(values, Text), fixed("[]"))

    def compile(self, statement: Select[Any] | CompoundSelect[Any]) -> Compiled:
        dialect = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
        return compiled_for(dialect, statement)


def _place(field: Field, column: Expression) -> Expression:
    """The JSON value that the field is, still JSON."""
    if field.path is None:
        return column
    place = cast(column.op("#>")(_path(field)), JSON)
    return case((_may_stand_twice([field], column), _first(field, column)), else_=place)


def _inner_text(field: Field, column: Expression) -> Expression:
    """The column, or the text of what lies inside its JSON; a JSON value stays JSON."""
    if field.path is None or field.kind is Kind.JSON:
        return _place(field, column)
    first = _first(field, column).op("#>>")(fixed("{}"))
    return case((_may_stand_twice([field], column), first), else_=column.op("#>>")(_path(field)))


def _may_stand_twice(fields: Sequence[Field], column: Expression) -> Expression:
    """Whether a key on the way to one of the values may stand twice in its object, of which `#>` gives the last value. A
    column of jsonb holds only that."""
    text = cast(column, Text)
    escapes = {escape_in(_steps(field)) for field in fields}
    escaped = [func.strpos(text, fixed(escape)) > literal_column("0") for escape in sorted(escapes)]
    twice = [
        func.split_part(text, fixed(f'"{step}"'), literal_column("3")) != fixed("")
        for step in dict.fromkeys(step for field in fields for step in _steps(field))
    ]
    return and_(func.pg_typeof(column) != literal_column("'jsonb'::regtype"), or_(*escaped, *twice))


def _first(field: Field, column: Expression) -> Expression:
    """The value under the first key of each name, as SQLite takes it."""
    value: Expression = cast(column, JSON)
    for step in _steps(field):
        is_object = func.json_typeof(value) == fixed("object")
        members = func.json_each(case((is_object, value), else_=cast(fixed("{}"), JSON)))
        member = members.table_valued("key", "value", name="member")
        named = select(member.c.value).select_from(member).where(member.c.key == fixed(step))
        value = named.limit(literal_column("1")).scalar_subquery()
    return value


def _read(text: Expression) -> Expression:
    """The moment that a text is; null for what is no time, which no cast tells."""
    cut = func.regexp_replace(text, fixed(BEYOND_MICROSECONDS), fixed(r"\1"))  # which a cast would round
    moment = cast(cut, MOMENT)
    first, end = (cast(fixed(day), MOMENT) for day in ("0001-01-01", "10000-01-01"))
    inside = and_(moment >= first, moment < end)
    return case((text.op("~")(fixed(TIME)), case((inside, moment))))


def _clock(value: Expression, stored_as: StoredAs) -> Expression:
    """The moment as a clock in UTC shows it, to the millisecond; null outside of the calendar."""
    moment: Expression = cast(value, MOMENT)
    if stored_as in EPOCHS:
        second: Expression = literal_column(EPOCHS[stored_as])
        inside = and_(
            value >= literal_column(str(FIRST_S)) * second, value < literal_column(str(END_S)) * second
        )
        milliseconds = func.floor(value * literal_column("1000") / second)
        moment = case((inside, func.to_timestamp(milliseconds / literal_column("1000.0"))))
    return func.timezone(fixed("UTC"), moment)


def _exact(value: Expression) -> Expression:
    """The number that a text or a number is; null for what is none. Of more digits than anybody means it is as near as a
    double of SQLite's."""
    text = cast(value, Text)
    is_less = text.op("~")(fixed(rf"^{BLANK}*-"))
    return case(
        (text.op("~")(fixed(NUMBER)), cast(text, NUMERIC)),
        (text.op("~")(fixed(NOTHING)), literal_column("0")),
        (
            text.op("~")(fixed(ENDLESS)),
            case((is_less, literal_column("-1e400")), else_=literal_column("1e400")),
        ),
    )


def _is_list(place: Expression) -> Expression:
    return func.json_typeof(cast(place, JSON)) == fixed("array")


def _member(place: Expression, text: str, dialect: Postgresql) -> Expression:
    """Only plain values are members."""
    member = func.json_array_elements(cast(place, JSON)).table_valued("value", name="member")
    letters = case(
        (
            func.json_typeof(member.c.value).not_in([fixed("object"), fixed("array")]),
            member.c.value.op("#>>")(fixed("{}")),
        )
    )
    same = dialect.without_case(letters, text.isascii()) == literal(folded(text))
    return exists(select(literal_column("1")).select_from(member).where(same))


def _path(field: Field) -> Expression:
    """`'{geo,lat}'`, a literal: a bound path would hide the field in the printed SQL."""
    return fixed("{" + ",".join(f'"{step}"' for step in _steps(field)) + "}")


def _steps(field: Field) -> list[str]:
    return steps_of(field, "\"'\\{},")
