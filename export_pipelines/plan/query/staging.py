"""The scratch table in SQLite in memory, where rows are asked what their own database cannot be asked exactly."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import ColumnClause
from sqlalchemy.sql import quoted_name, visitors

from export_pipelines.catalog import Dataset, Field, Kind, StoredAs
from export_pipelines.plan.dialects import Sqlite
from export_pipelines.plan.dialects.dialect import Expression
from export_pipelines.plan.query.query import SourceColumn
from export_pipelines.plan.query.tables import Tables

TABLE, NUMBER = "rest", "number"
SPELLED = frozenset({Kind.TIMESTAMP, Kind.BOOLEAN})  # by the stream as SQLite holds them; all others are text


class Fetched(NamedTuple):
    """A column that the source gives for the scratch table: its name, and how the source's SQL says it."""

    column: SourceColumn
    expression: Expression


class StagingTable(Tables):
    """The dataset of `source` as that one table: the same ids, over columns that hold what is stored in the source.

    What lies in a JSON column is taken out of it here, so the column is fetched whole. Fields that are used here are
    used of `source`.
    """

    def __init__(self, source: Tables, bad_json_is_null: bool = False) -> None:
        self.origin = source
        self.stored: dict[str, Field] = {}
        names: dict[tuple[str, str], str] = {}
        fields = []
        for field in source.dataset.fields:
            stored = _stored(field)
            # a space and the number keep the name apart from every id
            name = names.setdefault(
                (stored.column, stored.type), f"rest {len(names)} {stored.id.replace('.', ' ')}"
            )
            self.stored.setdefault(name, stored)
            fields.append(_moved(field, name))
        dataset = source.dataset
        super().__init__(
            Dataset(
                name=dataset.name,
                table=TABLE,
                window=dataset.window,
                order=dataset.order,
                fields=tuple(fields),
                snapshot=dataset.snapshot,
            ),
            Sqlite(bad_json_is_null),
            source.age_day,
        )
        self.used = source.used
        self.base.append_column(ColumnClause(NUMBER))

    def fetched(self, expressions: Iterable[Any]) -> list[Fetched]:
        """The columns that `expressions` read."""
        named = {
            part.name
            for expression in expressions
            for part in visitors.iterate(expression)
            if isinstance(part, ColumnClause)
        }
        return [_fetched(name, field, self.origin) for name, field in self.stored.items() if name in named]


def _stored(field: Field) -> Field:
    """The field as its column is stored: the JSON around a value that lies in one."""
    return field.model_copy(update={"path": None, "type": "object"}) if field.path else field


def _fetched(name: str, stored: Field, source: Tables) -> Fetched:
    kind = stored.kind if stored.kind in SPELLED else Kind.TEXT
    column = SourceColumn(name=name, kind=kind, type=stored.type, stored_as=stored.stored_as)
    expression = source.dialect.output(stored, source.column(stored))
    return Fetched(column, expression.label(quoted_name(name, quote=True)))


def _moved(field: Field, name: str) -> Field:
    stored_as = field.stored_as if field.path else StoredAs.ISO
    return field.model_copy(update={"column": name, "stored_as": stored_as})
