"""MariaDB, exactly: its binlog has the transactions in the order of their commits. It tells the ids of the rows, which are
read by the plan's SELECT once the server shows them."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, text

from export_pipelines.catalog import Dataset
from export_pipelines.errors import SourceError
from export_pipelines.plan.dialects import dialect_of
from export_pipelines.plan.plan import Plan, iso
from export_pipelines.plan.query.tables import Tables
from export_pipelines.read.mariadb.reader import MariadbSource
from export_pipelines.read.source import Source
from export_pipelines.streaming.horizon import Keep, Position, RowKey, Rows, Span, Start
from export_pipelines.streaming.horizons.binlog_tail import Place, Tail, Transaction, Watched, file_number
from export_pipelines.streaming.horizons.by_id import MOST_IDS, NamedRows, read_named
from export_pipelines.streaming.horizons.connection import Connected
from export_pipelines.streaming.horizons.rows import position_of, require_own
from export_pipelines.streaming.horizons.timed_rows import FIRST, TimedRows, read_row, written

NAME = "binlog"
STATE = text("SELECT @@global.gtid_binlog_pos")
STATE_AT = text("SELECT BINLOG_GTID_POS(:file, :position)")
SETTINGS = {"log_bin": "1", "binlog_format": "ROW", "binlog_row_image": "FULL", "binlog_row_metadata": "FULL"}
PATIENCE_S = 3.0  # for what the server has written already
ADVANCE_S = 60.0  # so that the binlog behind a stream without rows may be purged


@dataclass(frozen=True)
class Binlog:
    """The mechanism; see `horizon.Mechanism`."""

    dataset: Dataset
    url: str
    name = NAME
    settle_s = None

    @property
    def reason(self) -> str:
        return "the server's binlog has the transactions in the order of their commits; none is lost"

    @property
    def new_rows(self) -> NamedRows:
        return NamedRows(self.dataset)

    def open(self, plan: Plan, source: Source) -> "BinlogHorizon":
        return BinlogHorizon(self, plan, source)


class BinlogHorizon:
    """See `horizon.Horizon`. Follows the binlog from the first look on; a position is the GTIDs that are sent whole, and
    the rows of the next transactions that are. Before that, rows that were there are walked through (`walk`)."""

    name = NAME
    settle_s = None

    def __init__(self, mechanism: Binlog, plan: Plan, source: Source) -> None:
        self.dataset, self.plan, self.source, self.url = mechanism.dataset, plan, source, mechanism.url
        tables = Tables(self.dataset, dialect_of(plan.extract.dialect), None)
        self.table = TimedRows(tables, self.dataset.window)
        self.database = Connected(mechanism.url)
        self.server = MariadbSource.from_url(mechanism.url)
        schema, _, table = self.dataset.table.rpartition(".")
        changes = self.dataset.stream.change is not None
        self.watched = Watched(schema or self.server.url.database or "", table, self.table.id.name, changes)
        self.tail: Tail | None = None
        self.advanced_at = time.monotonic()

    def check(self) -> None:
        for name, wanted in SETTINGS.items():
            is_set = self.database.ask(partial(_setting, name=name))
            if str(is_set) != wanted:
                raise SourceError(
                    f"the server says {name}={is_set}, and its binlog tells rows with {name}={wanted} only",
                    where=self.database.place,
                    remedy="set it, or take `binlog` out of the catalog, and say `settle` in the export",
                )
        self.table.require_index(self.url, self.database.place)
        self._waiting(self._state(), self._state())

    def begin(self, start: Start, keep: Keep | None = None) -> Position:
        # before anything is walked through, so that what comes meanwhile is in the binlog; a transaction that is there already
        # and not visible yet comes after it, too
        state = str(self.database.ask(_shown_state))
        if start == "now":
            return position_of(NAME, state=state, rows=0)
        if start == "beginning":
            return position_of(NAME, state=state, rows=0, walk={"start": iso(FIRST), "key": None})
        since = iso(start) if isinstance(start, datetime) else ""
        return position_of(NAME, state=state, rows=0, since=since, walk={"start": since, "key": None})

    def look(self, position: Position) -> Span | None:
        own = dict(require_own(position, NAME))
        if "walk" in own:
            span = self._walk(own)
            if span is not None:
                return span
            del own["walk"]
        transactions, is_in_time = self._waiting(own["state"], self._state())
        shown = self.database.ask(_shown)
        ids, end = _first([each for each in transactions if each.end <= shown], own)
        if not ids and not is_in_time:
            return Span({"ids": []}, end, more=True)
        if not ids and (end == own or time.monotonic() - self.advanced_at < ADVANCE_S):
            return None
        self.advanced_at = time.monotonic()
        return Span({"ids": self._since(list(dict.fromkeys(ids)), own.get("since"))}, end)

    def read(self, span: Span, after: RowKey | None) -> Iterator[Rows]:
        return read_named(self.source, self.plan, self.dataset.row_id, span.content["ids"], after)

    def passed(self, position: Position) -> None:
        """The server keeps its binlog for a time of its own."""

    def warning(self, position: Position) -> str | None:
        return None

    def close(self) -> None:
        self._end_tail()
        self.database.close()

    def _walk(self, own: Mapping[str, Any]) -> Span | None:
        """The next rows that were there when the stream began; None where there are no more. Those that came since are in
        the binlog, were they in the table by now."""
        start, key = datetime.fromisoformat(own["walk"]["start"]), own["walk"]["key"]
        after = read_row(key) if key else None
        page = self.database.ask(lambda connection: self.table.page(connection, start, None, after, MOST_IDS))
        if not page:
            return None
        written_since, is_in_time = self._waiting(own["state"], self._state(), all=True)
        if not is_in_time:
            return Span({"ids": []}, own, more=True)  # the tail follows on meanwhile
        later = {id for transaction in written_since for id in transaction.ids}
        end = {**own, "walk": {"start": own["walk"]["start"], "key": written(page[-1])}}
        if len(page) < MOST_IDS:
            del end["walk"]
        return Span({"ids": [row.id for row in page if row.id not in later]}, end)

    def _waiting(self, state: str, until: str, *, all: bool = False) -> tuple[list[Transaction], bool]:
        """The transactions after `state`, of a tail that follows from there; see `Tail.waiting`."""
        if self.tail is None or not self.tail.drop_to(state):
            self._end_tail()
            self.tail = Tail(self.server.options(), self.database.place, self.watched, state)
            self.tail.start()
        try:
            return self.tail.waiting(until, PATIENCE_S, all=all)
        except Exception:
            self._end_tail()
            raise

    def _end_tail(self) -> None:
        if self.tail is not None:
            self.tail.close()
            self.tail = None

    def _state(self) -> str:
        return str(self.database.ask(lambda connection: connection.execute(STATE).scalar()))

    def _since(self, ids: Sequence[str], since: str | None) -> list[str]:
        """Without rows whose time is before the stream's start."""
        if not since or not ids:
            return list(ids)
        start = datetime.fromisoformat(since)
        kept = self.database.ask(lambda connection: self.table.since(connection, ids, start))
        return [id for id in ids if id in kept]


def _setting(connection: Connection, name: str) -> object:
    return connection.exec_driver_sql(f"SELECT @@global.{name}").scalar()


def _shown(connection: Connection) -> Place:
    """How far a transaction that begins now sees what the binlog has: the server writes it there first."""
    file, position = _binlog_snapshot(connection)
    return file_number(file), position


def _binlog_snapshot(connection: Connection) -> tuple[str, int]:
    connection.rollback()
    connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT")
    rows = connection.exec_driver_sql("SHOW STATUS LIKE 'binlog_snapshot_%%'").all()
    status = {str(name).lower(): value for name, value in rows}
    return str(status["binlog_snapshot_file"]), int(status["binlog_snapshot_position"])


def _shown_state(connection: Connection) -> str:
    """The GTIDs of the transactions that a transaction sees which begins now."""
    file, position = _binlog_snapshot(connection)
    return str(connection.execute(STATE_AT, {"file": file, "position": position}).scalar() or "")


def _first(transactions: Sequence[Transaction], own: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """The ids of a span, at most MOST_IDS, and the position after them."""
    ids: list[str] = []
    state, skipped = str(own["state"]), int(own["rows"])
    for transaction in transactions:
        unsent = transaction.ids[skipped:]
        room = MOST_IDS - len(ids)
        ids += unsent[:room]
        if len(unsent) > room:
            return ids, {**own, "state": state, "rows": skipped + room}
        state, skipped = transaction.state, 0
    return ids, {**own, "state": state, "rows": skipped}
