"""SQLite, exactly: its writers wait for each other, so rows are committed in the order of an AUTOINCREMENT key, which is
never given twice. A rowid that the table does not declare so is given again, and renumbered by VACUUM."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import and_, literal, literal_column, or_, select, text

from export_pipelines.catalog import Dataset
from export_pipelines.errors import RequestError, SourceError
from export_pipelines.plan.dialects import Sqlite
from export_pipelines.plan.dialects.dialect import Expression
from export_pipelines.plan.plan import Plan, iso
from export_pipelines.plan.query.new_rows import values_in, with_values
from export_pipelines.plan.query.tables import Tables
from export_pipelines.read.source import Source
from export_pipelines.streaming.horizon import Keep, Position, RowKey, Rows, Span, Start
from export_pipelines.streaming.horizons.connection import Connected
from export_pipelines.streaming.horizons.rows import START_AGAIN, position_of, read_rows, require_own

NAME = "growing key"
MOST_KEYS = 50_000  # of a span: its rows are sorted by their ids
ANY_TIME = datetime(1000, 1, 1, tzinfo=UTC)
OWN_KEY = r"(?i)\bINTEGER\s+(NOT\s+NULL\s+)?PRIMARY\s+KEY\s+AUTOINCREMENT\b"
SAY = (
    "give the table such a column, or name none under `stream` in the catalog and say `settle` in the export"
)
HIGHEST = text("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = :name), 0)")
DECLARED = text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name")
KEY_COLUMN = text("SELECT name FROM pragma_table_info(:name) WHERE pk = 1 AND upper(type) = 'INTEGER'")


@dataclass(frozen=True)
class KeyRows:
    """The condition of rows by their keys; see `request.NewRows`."""

    dataset: Dataset

    @property
    def order(self) -> tuple[str, ...]:
        return (self.dataset.row_id,)

    def expression(self, tables: Tables) -> Expression:
        return self.between(tables, 0, 0, "", None)

    def between(self, tables: Tables, after: int, to: int, id: str, since: datetime | None) -> Expression:
        """Rows with a key after one and up to another, with an id behind `id`, and a time from `since` on."""
        key, window = tables.base.c[self.dataset.stream.key or ""], tables.field(self.dataset.window)
        time = tables.dialect.value(window, tables.column(window))
        always = literal(int(since is None)) == literal_column("1")
        return and_(
            key > literal(after),
            key <= literal(to),
            or_(
                literal(id) == literal_column("''"),
                tables.column(tables.field(self.dataset.row_id)) > literal(id),
            ),
            or_(always, tables.dialect.within(time, window.stored_as, since or ANY_TIME, None)),
        )


@dataclass(frozen=True)
class GrowingKey:
    """The mechanism; see `horizon.Mechanism`."""

    dataset: Dataset
    url: str
    name = NAME
    settle_s = None

    @property
    def reason(self) -> str:
        return f"{self.dataset.table}.{self.dataset.stream.key} grows with each row, and writers wait for each other; none is lost"

    @property
    def new_rows(self) -> KeyRows:
        return KeyRows(self.dataset)

    def open(self, plan: Plan, source: Source) -> "GrowingKeyHorizon":
        return GrowingKeyHorizon(self, plan, source)


class GrowingKeyHorizon:
    """See `horizon.Horizon`. Keeps one connection for its looks."""

    name = NAME
    settle_s = None

    def __init__(self, mechanism: GrowingKey, plan: Plan, source: Source) -> None:
        self.rows, self.plan, self.source = mechanism.new_rows, plan, source
        self.dataset = mechanism.dataset
        self.tables = Tables(self.dataset, Sqlite(), None)
        self.database = Connected(mechanism.url)

    def check(self) -> None:
        table, column = self.dataset.table, self.dataset.stream.key
        declared = self.database.ask(
            lambda connection: connection.execute(DECLARED, {"name": table}).scalar()
        )
        key = self.database.ask(lambda connection: connection.execute(KEY_COLUMN, {"name": table}).scalar())
        if declared is None:
            raise SourceError(
                f"{table} is no table, so nothing says in which order its rows were committed",
                where=self.database.place,
                remedy=SAY,
            )
        if key != column or not re.search(OWN_KEY, str(declared)):
            raise SourceError(
                f"{table}.{column} is not declared INTEGER PRIMARY KEY AUTOINCREMENT: "
                "SQLite may give its numbers again, or renumber them",
                where=self.database.place,
                remedy=SAY,
            )

    def begin(self, start: Start, keep: Keep | None = None) -> Position:
        if start == "now":
            return position_of(NAME, key=self._highest())
        since = {"since": iso(start)} if isinstance(start, datetime) else {}
        return position_of(NAME, key=0, **since)

    def look(self, position: Position) -> Span | None:
        own = require_own(position, NAME)
        after, highest = int(own["key"]), self._highest()
        if highest < after:
            raise RequestError(
                f"the keys of {self.dataset.table} end before the cursor of the stream: this is another file, or an earlier state",
                where=self.database.place,
                remedy=START_AGAIN,
            )
        if highest == after:
            return None
        to = self._end(after, highest)
        since = {"since": own["since"]} if "since" in own else {}
        return Span({"after": after, "to": to, **since}, position_of(NAME, key=to, **since), to < highest)

    def read(self, span: Span, after: RowKey | None) -> Iterator[Rows]:
        content: Any = span.content
        since = datetime.fromisoformat(content["since"]) if "since" in content else None
        id = after[0] if after else ""
        expression = self.rows.between(self.tables, content["after"], content["to"], id, since)
        query = with_values(self.plan.query, values_in(expression, self.tables.dialect))
        return read_rows(self.source, query, self.rows.order)

    def passed(self, position: Position) -> None:
        """Nothing is kept at the database."""

    def warning(self, position: Position) -> str | None:
        return None

    def close(self) -> None:
        self.database.close()

    def _highest(self) -> int:
        """The highest key that was committed, were its row deleted since."""
        parameters = {"name": self.dataset.table}
        return int(self.database.ask(lambda connection: connection.execute(HIGHEST, parameters).scalar_one()))

    def _end(self, after: int, highest: int) -> int:
        """The last key of a span, in which there are at most MOST_KEYS rows."""
        key = self.tables.base.c[self.dataset.stream.key or ""]
        last = select(key).where(key > after).order_by(key).limit(1).offset(MOST_KEYS - 1)
        end = self.database.ask(lambda connection: connection.execute(last).scalar())
        return highest if end is None else min(int(end), highest)
