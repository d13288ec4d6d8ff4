"""Any other database that SQLAlchemy knows: it is asked for windows, ids and nulls, and the rest of its rows."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, NoReturn

from sqlalchemy import CompoundSelect, DateTime, Select, cast, literal
from sqlalchemy.dialects import registry
from sqlalchemy.exc import NoSuchModuleError

from export_pipelines.catalog import Field, Kind, StoredAs
from export_pipelines.catalog.dimensions import Bucket
from export_pipelines.errors import RequestError
from export_pipelines.plan.dialects.dialect import (
    Compiled,
    Expression,
    NotPushable,
    Sign,
    milliseconds,
)

COMPARED = frozenset(
    {Kind.TEXT, Kind.INTEGER, Kind.TIMESTAMP}
)  # by `in` and `is null`, and times with instants


class Generic:
    """What all databases say alike. Times are columns of a time type, in UTC where they have no zone."""

    groups_exactly = False  # what is one text to a database depends on its collation

    def __init__(self, name: str) -> None:
        try:
            self._sql = registry.load(name)
        except NoSuchModuleError:
            raise RequestError(
                f'SQLAlchemy knows no database "{name}"',
                where="EXPORT_PIPELINES_SOURCE_URL",
                remedy="install the package that brings its SQLAlchemy dialect, for example `pip install duckdb-engine`",
            ) from None
        self.name = name

    def marks_bad_json(self, field: Field) -> bool:
        return False  # nothing inside JSON is read here

    def output(self, field: Field, column: Expression) -> Expression:
        if field.path or field.kind is Kind.JSON:
            raise NotPushable("how JSON is read")
        return column

    def value(self, field: Field, column: Expression) -> Expression:
        if field.path or field.kind not in COMPARED:
            raise NotPushable(f"how a {field.kind} compares")
        return column

    def compare_number(self, value: Expression, sign: Sign, number: Decimal) -> Expression:
        return _cannot()

    def boolean_literal(self, truth: bool) -> Expression:
        return _cannot()

    def without_case(self, value: Expression, ascii_only: bool) -> Expression:
        return _cannot()

    def contains(self, value: Expression, text: str) -> Expression:
        return _cannot()

    def is_blank(self, value: Expression) -> Expression:
        return _cannot()

    def is_blank_json(self, value: Expression) -> Expression:
        return _cannot()

    def json_list_includes(self, field: Field, column: Expression, text: str) -> Expression:
        return _cannot()

    def text_or_list_includes(self, field: Field, column: Expression, text: str) -> Expression:
        return _cannot()

    def matches(self, value: Expression, pattern: str) -> Expression:
        return _cannot()

    def is_valid(self, value: Expression, type: str) -> Expression:
        return _cannot()

    def component(self, value: Expression, type: str, name: str, kind: Kind) -> Expression:
        return _cannot()

    def instant(self, moment: datetime, stored_as: StoredAs) -> Expression:
        match stored_as:
            case StoredAs.EPOCH_MS:
                return literal(milliseconds(moment))
            case StoredAs.EPOCH_S:
                whole, part = divmod(milliseconds(moment), 1000)
                if part:
                    raise NotPushable("a part of a second")
                return literal(whole)
            case _:
                text = moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", timespec="milliseconds")
                return cast(literal(text), DateTime())

    def instant_value(self, value: Expression, stored_as: StoredAs) -> Expression:
        return value

    def time_of_day(self, value: Expression, stored_as: StoredAs) -> Expression:
        return _cannot()

    def weekday(self, value: Expression, stored_as: StoredAs) -> Expression:
        return _cannot()

    def bucket(self, value: Expression, stored_as: StoredAs, every: Bucket) -> Expression:
        return _cannot()

    def cents(self, value: Expression) -> Expression:
        return _cannot()

    def is_cents(self, value: Expression) -> Expression:
        return _cannot()

    def collected(self, value: Expression) -> Expression:
        return _cannot()

    def compile(self, statement: Select[Any] | CompoundSelect[Any]) -> Compiled:
        compiled = statement.compile(
            dialect=self._sql(paramstyle="qmark"), compile_kwargs={"render_postcompile": True}
        )
        names = compiled.positiontup or ()
        return Compiled(
            sql=str(compiled),
            parameters=tuple(compiled.params[name] for name in names),
            binds=tuple(compiled.binds[name] for name in names),
        )


@cache
def generic(name: str) -> Generic:
    """The dialect of the database that SQLAlchemy calls `name`. Raises RequestError when it knows none."""
    return Generic(name)


def _cannot() -> NoReturn:
    raise NotPushable("databases do not say it alike")
