"""A dataset's tables as SQLAlchemy Core constructs: fields to columns, and the joins that a statement needs."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from sqlalchemy import ColumnClause, FromClause, TableClause, column, table
from sqlalchemy.sql import visitors
from sqlalchemy.sql.selectable import NamedFromClause

from export_pipelines.catalog import Component, Dataset, Field, Join
from export_pipelines.catalog.dimensions import SHIFTING
from export_pipelines.errors import CatalogError, WindowError, unknown
from export_pipelines.plan.dialects import Dialect
from export_pipelines.plan.dialects.dialect import Expression
from export_pipelines.plan.query.operators import Operand

ENDLESS = "{} is told at the end of the window, and this window has none"
GIVE_AN_END = "give --start and --end"


class Tables:
    """The tables of one dataset. Holds names only, no connection. `age_day` is the day at which an age is told; `used`
    collects the ids of the fields that rules and groups ask about."""

    def __init__(self, dataset: Dataset, dialect: Dialect, age_day: date | None) -> None:
        self.dataset, self.dialect, self.age_day = dataset, dialect, age_day
        self.used: set[str] = set()
        read = self._columns()
        columns = [*(join.on for join in dataset.joins), *read[None], *dataset.stream.columns]
        self.base = _table(dataset.table, columns)
        self.joined: dict[str, NamedFromClause[Any]] = {
            join.alias: _table(join.table, [join.key, *read[join.alias]]).alias(join.alias)
            for join in dataset.joins
        }

    def field(self, id: str) -> Field:
        """The field `id`, as it lies in these tables."""
        field = self.dataset.find(id)
        assert isinstance(field, Field)  # no component
        return field

    def column(self, field: Field) -> Expression:
        """The raw column of `field`. Raises CatalogError for an alias that is not joined."""
        alias, name = _split(field.column)
        if alias is None or alias == self.dataset.table:
            column: Expression = self.base.c[name]
            return column
        if alias not in self.joined:
            raise CatalogError(unknown("join", alias, self.joined), where=f"{self.dataset.name}.{field.id}")
        joined: Expression = self.joined[alias].c[name]
        return joined

    def operand(self, left_side: Field | Component) -> Operand:
        """`left_side` as the left-hand side of a rule."""
        field = left_side if isinstance(left_side, Field) else left_side.field
        self.used.add(field.id)
        column = self.column(field)
        value = self.dialect.value(field, column)
        if isinstance(left_side, Component):
            value = self.dialect.component(value, field.type, self._part(left_side), left_side.kind)
        return Operand(
            left_side.id,
            left_side.kind,
            field,
            column,
            value,
            self.dialect,
            left_side.compared,
            isinstance(left_side, Component),
        )

    def _part(self, component: Component) -> str:
        if component.name not in SHIFTING:
            return component.name
        if self.age_day is None:
            raise WindowError(ENDLESS.format(component.id), remedy=GIVE_AN_END)
        return f"{component.name} on {self.age_day}"

    def source(self, expressions: Iterable[Any]) -> FromClause:
        """The base table, left-joined with those tables only that `expressions` name."""
        named = {
            part.table
            for expression in expressions
            for part in visitors.iterate(expression)
            if isinstance(part, ColumnClause) and part.table is not None
        }
        source: FromClause = self.base
        for join in self.dataset.joins:
            if self.joined[join.alias] in named:
                source = source.outerjoin(self.joined[join.alias], self._on(join))
        return source

    def _on(self, join: Join) -> Expression:
        alike: Expression = self.joined[join.alias].c[join.key] == self.base.c[join.on]
        return alike

    def _columns(self) -> Mapping[str | None, list[str]]:
        """Columns that fields read, by the alias of their table; None is the base table."""
        names: dict[str | None, list[str]] = defaultdict(list)
        for field in self.dataset.fields:
            alias, name = _split(field.column)
            names[None if alias == self.dataset.table else alias].append(name)
        return names


def tables_in(source: FromClause) -> Iterator[TableClause]:
    """The tables that are joined in `source`, without their names in it."""
    for part in visitors.iterate(source):
        if isinstance(part, TableClause):
            yield part


def _split(column: str) -> tuple[str | None, str]:
    alias, _, name = column.rpartition(".")
    return alias or None, name


def _table(name: str, columns: Iterable[str]) -> TableClause:
    schema, plain = _split(name)
    return table(plain, *(column(text) for text in dict.fromkeys(columns)), schema=schema)
