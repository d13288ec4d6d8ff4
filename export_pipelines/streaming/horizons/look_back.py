"""Any database: rows by their times, from so many seconds back on, without those that were sent. A transaction that lasts
longer than that is lost, which the export says with `settle`.

Times before `settle` ago are walked through once, by time and id; of the later ones the cursor has what was sent."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from export_pipelines.catalog import Dataset
from export_pipelines.plan.dialects import dialect_of
from export_pipelines.plan.plan import Plan, iso
from export_pipelines.plan.query.tables import Tables
from export_pipelines.read.clock_advice import server_clock
from export_pipelines.read.source import Source
from export_pipelines.streaming.horizon import Keep, Position, RowKey, Rows, Span, Start
from export_pipelines.streaming.horizons.by_id import MOST_IDS, NamedRows, read_named
from export_pipelines.streaming.horizons.connection import Connected
from export_pipelines.streaming.horizons.rows import position_of, require_own, text_of
from export_pipelines.streaming.horizons.seen import digest, packed, unpacked
from export_pipelines.streaming.horizons.timed_rows import FIRST, Row, TimedRows, read_row, written

log = logging.getLogger(__name__)

NAME = "look back"
MOST_RECENT = 50_000  # rows that one look asks for; later ones come when these have settled


@dataclass(frozen=True)
class Progress:
    """What was sent: rows before `until`; of those from there on `sent`. While there is a `key`, rows before `settled` are
    walked through, up to it."""

    until: datetime
    sent: frozenset[bytes] = frozenset()
    settled: datetime | None = None
    key: Row | None = None

    @property
    def position(self) -> Position:
        walk = {"settled": iso(self.settled), "key": written(self.key)} if self.settled and self.key else {}
        return position_of(NAME, until=iso(self.until), sent=packed(self.sent), **walk)

    @classmethod
    def at(cls, position: Position) -> "Progress":
        own = require_own(position, NAME)
        settled, key = own.get("settled"), own.get("key")
        return cls(
            datetime.fromisoformat(own["until"]),
            unpacked(own["sent"]),
            datetime.fromisoformat(settled) if settled else None,
            read_row(key) if key else None,
        )


@dataclass(frozen=True)
class LookBack:
    """The mechanism; see `horizon.Mechanism`."""

    dataset: Dataset
    url: str
    settle_s: float
    name = NAME

    @property
    def time(self) -> str:
        return self.dataset.stream.change or self.dataset.window

    @property
    def reason(self) -> str:
        return (
            f"rows are told by {self.time}, looking back {self.settle_s:g} s: "
            f"a transaction longer than {self.settle_s:g} s is lost"
        )

    @property
    def new_rows(self) -> NamedRows:
        return NamedRows(self.dataset)

    def open(self, plan: Plan, source: Source) -> "LookBackHorizon":
        return LookBackHorizon(self, plan, source, lambda: datetime.now(UTC))


class LookBackHorizon:
    """See `horizon.Horizon`. Keeps one connection for its looks; `now` is the clock of a database that has none."""

    name = NAME

    def __init__(self, mechanism: LookBack, plan: Plan, source: Source, now: Callable[[], datetime]) -> None:
        self.mechanism, self.plan, self.source, self.now = mechanism, plan, source, now
        self.dataset, self.settle_s = mechanism.dataset, mechanism.settle_s
        tables = Tables(self.dataset, dialect_of(plan.extract.dialect), None)
        self.table = TimedRows(tables, mechanism.time)
        self.database = Connected(mechanism.url)
        # how far a position reached that nothing came after
        self.idle: tuple[Position, Progress] | None = None

    def check(self) -> None:
        self.database.ask(self._settled)
        self.source.check(self.plan.query)
        self.table.require_index(self.mechanism.url, self.database.place)

    def begin(self, start: Start, keep: Keep | None = None) -> Position:
        if isinstance(start, datetime):
            return Progress(start).position
        if start == "beginning":
            return Progress(FIRST).position
        return self.database.ask(self._now).position

    def look(self, position: Position) -> Span | None:
        progress = self.idle[1] if self.idle and self.idle[0] == position else Progress.at(position)
        unsent, reached = self.database.ask(lambda connection: self._next(connection, progress))
        if not unsent:
            self.idle = dict(position), reached
            return None
        more = reached.key is not None or len(unsent) == MOST_IDS
        return Span({"ids": [row.id for row in unsent]}, reached.position, more)

    def read(self, span: Span, after: RowKey | None) -> Iterator[Rows]:
        return read_named(self.source, self.plan, self.dataset.row_id, span.content["ids"], after)

    def passed(self, position: Position) -> None:
        """Nothing is kept at the database."""

    def warning(self, position: Position) -> str | None:
        return None

    def close(self) -> None:
        self.database.close()

    def _now(self, connection: Connection) -> Progress:
        settled = self._settled(connection)
        return Progress(settled, self._digests(self.table.page(connection, settled, None)))

    def _next(self, connection: Connection, progress: Progress) -> tuple[list[Row], Progress]:
        """The next rows that were not sent, and what was sent once they are."""
        if progress.key is None:
            progress = self._settling(connection, progress)
        settled = progress.settled or progress.until
        page = partial(self.table.page, connection)
        while len(rows := page(progress.until, settled, progress.key, MOST_IDS)) == MOST_IDS:
            progress = replace(progress, key=rows[-1])
            if unsent := self._unsent(rows, progress):
                return unsent, progress
        recent = page(settled, None, None, MOST_RECENT)
        unsent = self._unsent([*rows, *recent], progress)
        if len(unsent) > MOST_IDS:
            some = unsent[:MOST_IDS]
            return some, replace(progress, sent=progress.sent | self._digests(some))
        # of more rows than were asked for, nothing is known about those that were sent before
        kept = progress.sent | self._digests(unsent) if len(recent) == MOST_RECENT else self._digests(recent)
        return unsent, Progress(settled, kept)

    def _settling(self, connection: Connection, progress: Progress) -> Progress:
        """With the time before which rows have settled."""
        settled = self._settled(connection)
        if settled + timedelta(seconds=self.settle_s) < progress.until:
            place = {"source": self.database.place}
            log.warning("the clock of the source was set back; rows since then are sent again", extra=place)
            return Progress(settled, settled=settled)
        return replace(progress, settled=max(settled, progress.until))

    def _settled(self, connection: Connection) -> datetime:
        now = server_clock(connection) or self.now()
        settled = now - timedelta(seconds=self.settle_s)
        return settled.astimezone(UTC).replace(microsecond=settled.microsecond // 1000 * 1000)

    def _unsent(self, rows: Sequence[Row], progress: Progress) -> list[Row]:
        return [row for row in rows if self._digest(row) not in progress.sent]

    def _digests(self, rows: Sequence[Row]) -> frozenset[bytes]:
        return frozenset(map(self._digest, rows))

    def _digest(self, row: Row) -> bytes:
        """A row that was changed is another one."""
        return digest(row.id, text_of(row.time)) if self.dataset.stream.change else digest(row.id)
