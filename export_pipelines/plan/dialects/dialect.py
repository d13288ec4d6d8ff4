"""What the plan asks of a database's SQL, in SQLAlchemy Core; a dialect's file holds only how that database says it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from sqlalchemy import BindParameter, ColumnElement, CompoundSelect, Select, and_, literal_column
from sqlalchemy.engine import Dialect as SqlalchemyDialect

from export_pipelines.catalog import Field, Kind, StoredAs
from export_pipelines.catalog.dimensions import Bucket
from export_pipelines.errors import CatalogError
from export_pipelines.plan.query.query import Plain

FUNCTIONS = frozenset({"fold", "regexp", "is_valid", "component"})  # those that the reader registers
BAD_JSON = "<JSON that does not parse>"  # stands in the place of such a value
EMPTY_JSON = ("{}", "[]", '""', "null")
MOST = str((2**63 - 1) // 100)  # the largest amount whose cents an integer holds
TRUE, FALSE = ("1", "t", "true", "yes", "y"), ("0", "f", "false", "no", "n")  # what a truth may be written as
FIRST_S, END_S = -62_135_596_800, 253_402_300_800  # seconds since 1970 of the years 1 and 10000
_FEBRUARY_29 = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29"
_DAY = (
    f"(([0-9]{{4}}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    f"|02-(0[1-9]|1[0-9]|2[0-8])))|{_FEBRUARY_29})"
)
# a time in any ISO spelling, as a regular expression of every database that has one
ISO = f"(?!0000){_DAY}([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]+)?)?(Z|[-+](0[0-9]|1[0-4]):[0-5][0-9])?)?"
# a number in a text, as a regular expression of every database that has one; beyond exponents of a double it is nothing
BLANK, MANTISSA = r"[ \t\n\r\x0b\x0c]", r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)"
NEARLY_NOTHING = rf"({MANTISSA}[eE]-[0-9]+|[-+]?(0+\.?0*|\.0+)[eE][-+]?[0-9]+)"
BLANKS = " \t\n\r"  # a text of only these is blank

Expression = ColumnElement[Any]
YES: Expression = literal_column("1")
NO: Expression = literal_column("0")
Sign = Callable[[Expression, Expression], Expression]  # operator.eq, lt, le, gt, ge


class NotPushable(Exception):
    """The database cannot say this exactly; it is asked of its rows afterwards, see `plan/query/staging.py`."""


class Compiled(NamedTuple):
    """`binds` are the constructs behind `parameters`, in the same order."""

    sql: str
    parameters: tuple[Plain, ...]
    binds: tuple[BindParameter[Any], ...]


class Dialect(Protocol):
    """Expressions over the raw column `column` that holds `field`, and the compiled statement.

    Two truths keep rules alike on all databases: every predicate is false or null for a null value, and texts are
    compared without case, by code point. SQLite's say is what is meant; a dialect that cannot say the same for every
    stored value raises NotPushable. Made with `bad_json_is_null`, JSON that does not parse is a null to every rule.
    """

    name: str
    groups: bool
    """Does it group, count and compare stored values as a report means them: texts by code point, amounts exactly?"""
    ranges: bool
    """Can its reader read ranges of the rows over several connections that see the same snapshot?"""

    def marks_bad_json(self, field: Field) -> bool:
        """Whether what is read of the field holds BAD_JSON for stored JSON that does not parse."""

    def output(self, field: Field, column: Expression) -> Expression:
        """What the SELECT reads: of JSON, and of a value inside it, the letters as they are stored."""

    def repeating(self, fields: Sequence[Field], column: Expression) -> Expression:
        """The JSON in the column as text, where a key on the way to one of these fields in it may stand twice; null where
        none does, and where it does not parse. `output` has of such keys the first value only."""

    def value(self, field: Field, column: Expression) -> Expression:
        """The stored value, taken out of its JSON column where it lies in one."""

    def compare_number(self, value: Expression, sign: Sign, number: Decimal) -> Expression:
        """Exact, also where numbers are stored as text; false or null for what is no number."""

    def boolean_literal(self, truth: bool) -> Expression: ...

    def without_case(self, value: Expression, ascii_only: bool) -> Expression:
        """Lower case, which is enough beside ASCII texts; else the Unicode case folding."""

    def contains(self, value: Expression, text: str) -> Expression:
        """Substring, every character meant literally."""

    def is_blank(self, value: Expression) -> Expression: ...

    def is_blank_json(self, value: Expression) -> Expression: ...

    def json_list_includes(self, field: Field, column: Expression, text: str) -> Expression:
        """Is `text` a member, without case, of the list that the JSON field holds?"""

    def text_or_list_includes(self, field: Field, column: Expression, text: str) -> Expression:
        """The same where the JSON value may also be a text, which then contains `text`."""

    def matches(self, value: Expression, pattern: str) -> Expression:
        """Is the pattern, in the dialect of `patterns`, found in the text?"""

    def is_valid(self, value: Expression, type: str) -> Expression: ...

    def component(self, value: Expression, type: str, name: str, kind: Kind) -> Expression: ...

    def may_hold_no_time(self, field: Field) -> bool:
        """Whether something may be stored in the field that is no time."""

    def around(self, time: Expression, start: datetime, end: datetime) -> Expression:
        """A range of texts that are times, which an index serves and in which all of these moments lie."""

    def is_mixed(self, time: Expression) -> Expression:
        """Aggregate over a column of times that are texts: are they spelled in ways that do not sort as moments do?"""

    def moment_order(self, time: Expression) -> tuple[Expression, ...]:
        """What sorts such texts by their moments."""

    def within(
        self, value: Expression, stored_as: StoredAs, start: datetime, end: datetime | None
    ) -> Expression:
        """Whether the stored time lies from `start` to before `end`, in a way that an index serves; true for what is no
        time but may lie there, so that it is told."""

    def instant(self, moment: datetime, stored_as: StoredAs) -> Expression:
        """Literal that the bare column compares with by `>=` and `<`, so that an index serves."""

    def instant_value(self, value: Expression, stored_as: StoredAs) -> Expression:
        """The stored time in the spelling that compares with `instant` by any operator."""

    def time_of_day(self, value: Expression, stored_as: StoredAs) -> Expression:
        """`HH:MM...` in UTC."""

    def weekday(self, value: Expression, stored_as: StoredAs) -> Expression:
        """0 is Sunday."""

    def bucket(self, value: Expression, stored_as: StoredAs, every: Bucket) -> Expression:
        """Start of the hour, day, ISO week (its Monday) or month in UTC: a time for the hour, else a date."""

    def cents(self, value: Expression) -> Expression:
        """The amount in whole cents, exact for every value that `is_cents`."""

    def is_cents(self, value: Expression) -> Expression:
        """Is the value an amount without a fraction of a cent?"""

    def is_integer(self, field: Field, value: Expression) -> Expression | None:
        """Is the value of an integer field one? None where the type of its column leaves no other."""

    def collected(self, value: Expression) -> Expression:
        """Aggregate: the values of the group that are not null, as the text of a JSON array in any order."""

    def compile(self, statement: Select[Any] | CompoundSelect[Any]) -> Compiled:
        """SQL text and its positional parameters."""


def compiled_for(dialect: SqlalchemyDialect, statement: Select[Any] | CompoundSelect[Any]) -> Compiled:
    """The statement as `dialect` spells it."""
    compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    names, values = compiled.positiontup or (), compiled.params  # which is made anew at each look
    return Compiled(
        sql=str(compiled),
        parameters=tuple(values[name] for name in names),
        binds=tuple(compiled.binds[name] for name in names),
    )


def between(
    dialect: Dialect, value: Expression, stored_as: StoredAs, start: datetime, end: datetime | None
) -> Expression:
    """`within` where nothing but times is stored."""
    begun = value >= dialect.instant(start, stored_as)
    return begun if end is None else and_(begun, value < dialect.instant(end, stored_as))


def fixed(text: str) -> Expression:
    """A fixed text, written into the SQL; what a person gave is always a parameter."""
    return literal_column("'" + text.replace("'", "''") + "'")


def folded(text: str) -> str:
    """What `without_case` gives for `text`."""
    return text.lower() if text.isascii() else text.casefold()


def milliseconds(moment: datetime) -> int:
    """Since 1970, exactly."""
    past = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return past.days * 86_400_000 + past.seconds * 1000 + past.microseconds // 1000


def escape_in(steps: Sequence[str]) -> str:
    """What stands in every JSON in which one of these keys is written in escapes: `\\u00f6`, or `\\/` as PHP writes it."""
    return "\\" if any("/" in step for step in steps) else "\\u"


def steps_of(field: Field, forbidden: str) -> list[str]:
    """The keys on the way to a value inside JSON. Raises CatalogError for an empty one, or a character that would
    end the quotes around it."""
    steps = field.path.split(".") if field.path else []
    if any(not step or set(step) & set(forbidden) for step in steps):
        raise CatalogError(f'the path "{field.path}" of {field.id} has an empty or quoted step')
    return steps
