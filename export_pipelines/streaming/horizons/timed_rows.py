"""The rows of a table by their times, in pages: how looking back finds new ones, and how what was there is walked through."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, or_, select

from export_pipelines.errors import SourceError
from export_pipelines.plan.dialects import Dialect
from export_pipelines.plan.dialects.dialect import Expression
from export_pipelines.plan.query.tables import Tables
from export_pipelines.read.index_advice import has_index
from export_pipelines.streaming.horizons.rows import value_of_column

FIRST = datetime(1000, 1, 1, tzinfo=UTC)  # the first that every database takes


class Row(NamedTuple):
    """A row of the table as a look has it: its time as the driver gives it, and its id."""

    time: Any
    id: str


class TimedRows:
    """The rows of `tables`, by the timestamp field `time`."""

    def __init__(self, tables: Tables, time: str) -> None:
        dialect: Dialect = tables.dialect
        self.tables, self.field = tables, tables.field(time)
        self.time = dialect.value(self.field, tables.column(self.field))
        self.id = tables.column(tables.field(tables.dataset.row_id))

    def page(
        self,
        connection: Connection,
        start: datetime,
        end: datetime | None,
        after: Row | None = None,
        most: int | None = None,
    ) -> list[Row]:
        """Rows with a time from `start` to before `end`, in order, at most so many after one."""
        if start == end:
            return []
        where = [self.tables.dialect.within(self.time, self.field.stored_as, start, end)]
        if after is not None:
            where += self._behind(after)
        statement = select(self.time, self.id).select_from(self.tables.source([self.time, self.id]))
        ordered = statement.where(*where).order_by(self.time, self.id).limit(most)
        return [Row(time, str(id)) for time, id in connection.execute(ordered)]

    def since(
        self, connection: Connection, ids: Collection[str], start: datetime, after: Row | None = None
    ) -> frozenset[str]:
        """Which of these rows have a time from `start` on, and come after one."""
        where = [self.tables.dialect.within(self.time, self.field.stored_as, start, None)]
        if after is not None:
            where += self._behind(after)
        statement = select(self.id).select_from(self.tables.source([self.time, self.id]))
        named = statement.where(self.id.in_(list(map(value_of_column, ids))), *where)
        return frozenset(map(str, connection.execute(named).scalars()))

    def _behind(self, row: Row) -> list[Expression]:
        """The condition of the rows after one, in order, said so that an index serves."""
        time, id = map(value_of_column, row)
        return [self.time >= time, or_(self.time > time, and_(self.time == time, self.id > id))]

    def require_index(self, url: str, place: str) -> None:
        """Raises SourceError for a table in which each look would read everything."""
        column, table = self.field.column, self.tables.dataset.table
        if self.field.path is None and "." not in column and not has_index(url, table, column):
            raise SourceError(
                f"no index of {table} begins with {column}, so each look would read the whole table",
                where=place,
                remedy=f"make one on ({column}, {self.id.name})",
            )


def written(row: Row) -> list[Any]:
    """As JSON: a moment as such, so that its database gets a moment again."""
    if isinstance(row.time, datetime):
        return [{"moment": row.time.isoformat()}, row.id]
    return [row.time if isinstance(row.time, int | str) else str(row.time), row.id]


def read_row(written: Sequence[Any]) -> Row:
    time, id = written
    return Row(datetime.fromisoformat(time["moment"]) if isinstance(time, dict) else time, id)
