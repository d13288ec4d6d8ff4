"""Any other database that SQLAlchemy knows: its SQL says only what all databases say alike, SQLite in memory the rest."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, NoReturn

from sqlalchemy import CompoundSelect, DateTime, Integer, Select, literal, literal_column, type_coerce
from sqlalchemy.dialects import registry
from sqlalchemy.engine import Dialect as SqlalchemyDialect
from sqlalchemy.exc import NoSuchModuleError

from export_pipelines.catalog import Field, Kind, StoredAs
from export_pipelines.catalog.dimensions import Bucket
from export_pipelines.errors import SettingsError, unknown
from export_pipelines.plan.dialects.dialect import (
    Compiled,
    Expression,
    NotPushable,
    Sign,
    compiled_for,
    milliseconds,
)
from export_pipelines.plan.dialects.typed_times import TypedTimes

INT64 = 2**63 - 1
PACKAGES = {  # what brings a database's name to SQLAlchemy, or the driver that SQLAlchemy takes for it
    "bigquery": "sqlalchemy-bigquery",
    "clickhousedb": "clickhouse-connect",
    "cockroachdb": "sqlalchemy-cockroachdb",
    "databricks": "databricks-sqlalchemy",
    "duckdb": "duckdb-engine",
    "firebird": "sqlalchemy-firebird",
    "hana": "sqlalchemy-hana",
    "mssql": "pyodbc",
    "oracle": "oracledb",
    "redshift": "sqlalchemy-redshift",
    "snowflake": "snowflake-sqlalchemy",
    "teradatasql": "teradatasqlalchemy",
    "trino": "trino[sqlalchemy]",
}


class Generic(TypedTimes):
    """Columns hold types of their own and are named bare, so that indexes serve: times for the fields that are times
    (those without a zone mean UTC), integers for those that are integers. Ids, and the words that events are made of,
    are compared as their columns' collation has it."""

    groups = False
    ranges = False

    def __init__(self, name: str) -> None:
        self.name = name
        known: Callable[..., SqlalchemyDialect] = sqlalchemy_dialect(name)
        self._spelling = known(paramstyle="qmark")

    def marks_bad_json(self, field: Field) -> bool:
        return field.path is None and field.kind is Kind.JSON  # the reader does

    def output(self, field: Field, column: Expression) -> Expression:
        if field.path:
            raise NotPushable("what lies inside JSON")
        return column

    def repeating(self, fields: Sequence[Field], column: Expression) -> NoReturn:
        raise NotPushable("what lies inside JSON")

    def value(self, field: Field, column: Expression) -> Expression:
        if field.path or field.kind is Kind.DATE:
            raise NotPushable("what lies inside JSON, and how a date is compared")
        return type_coerce(column, Integer) if field.kind is Kind.INTEGER else column

    def compare_number(self, value: Expression, sign: Sign, number: Decimal) -> Expression:
        if not isinstance(value.type, Integer) or number % 1 or abs(number) > INT64:
            raise NotPushable("how a number is stored that is no integer, and so how exactly it compares")
        return sign(value, literal_column(str(int(number))))

    def boolean_literal(self, truth: bool) -> NoReturn:
        raise NotPushable("how a truth is stored")

    def without_case(self, value: Expression, ascii_only: bool) -> NoReturn:
        raise NotPushable("what folds into what")

    def contains(self, value: Expression, text: str) -> NoReturn:
        raise NotPushable("what folds into what")

    def is_blank(self, value: Expression) -> NoReturn:
        raise NotPushable("which characters are blanks")

    def is_blank_json(self, value: Expression) -> NoReturn:
        raise NotPushable("what lies inside JSON")

    def json_list_includes(self, field: Field, column: Expression, text: str) -> NoReturn:
        raise NotPushable("what lies inside JSON")

    def text_or_list_includes(self, field: Field, column: Expression, text: str) -> NoReturn:
        raise NotPushable("what lies inside JSON")

    def matches(self, value: Expression, pattern: str) -> NoReturn:
        raise NotPushable("what a regular expression means")

    def instant(self, moment: datetime, stored_as: StoredAs) -> Expression:
        match stored_as:
            case StoredAs.EPOCH_MS:
                return literal_column(str(milliseconds(moment)))
            case StoredAs.EPOCH_S:
                return literal_column(format(Decimal(milliseconds(moment)) / 1000, "f"))
            case _:
                # a literal, as the database spells it: a parameter's type would decide how it compares
                clock = moment.astimezone(UTC).replace(tzinfo=None)
                return literal(clock, DateTime(), literal_execute=True)

    def instant_value(self, value: Expression, stored_as: StoredAs) -> Expression:
        return value

    def time_of_day(self, value: Expression, stored_as: StoredAs) -> NoReturn:
        raise NotPushable("parts of a time")

    def weekday(self, value: Expression, stored_as: StoredAs) -> NoReturn:
        raise NotPushable("parts of a time")

    def bucket(self, value: Expression, stored_as: StoredAs, every: Bucket) -> NoReturn:
        raise NotPushable("parts of a time")

    def cents(self, value: Expression) -> NoReturn:
        raise NotPushable("how an amount is stored")

    def is_cents(self, value: Expression) -> NoReturn:
        raise NotPushable("how an amount is stored")

    def is_integer(self, field: Field, value: Expression) -> Expression | None:
        return None

    def collected(self, value: Expression) -> NoReturn:
        raise NotPushable("a list of a group's values")

    def compile(self, statement: Select[Any] | CompoundSelect[Any]) -> Compiled:
        return compiled_for(self._spelling, statement)


@cache
def generic(name: str) -> Generic:
    """The dialect for SQLAlchemy's `name`. Raises SettingsError where SQLAlchemy does not know it."""
    return Generic(name)


def sqlalchemy_dialect(name: str) -> type[SqlalchemyDialect]:
    """What SQLAlchemy knows of the database `name`. Raises SettingsError that names what to install."""
    try:
        dialect: type[SqlalchemyDialect] = registry.load(name)
        return dialect
    except NoSuchModuleError as error:
        if name not in PACKAGES:
            raise SettingsError(
                unknown("database", name, ("mariadb", "mysql", "postgresql", "sqlite", *PACKAGES)),
                where="EXPORT_PIPELINES_SOURCE_URL",
                remedy="install the package that brings it to SQLAlchemy, or mend the URL",
            ) from error
        raise not_installed(name, PACKAGES[name]) from error
    except ModuleNotFoundError as error:
        raise not_installed(name, PACKAGES.get(name, error.name or name)) from error


def not_installed(name: str, package: str) -> SettingsError:
    """The error for a database that `package` would make readable."""
    return SettingsError(
        f"the driver for {name} is not installed",
        where="EXPORT_PIPELINES_SOURCE_URL",
        remedy=f"pip install '{package}'",
    )
