"""What MariaDB writes to its binlog, followed in a thread: the ids of the rows that each transaction wrote into one table."""

import logging
import socket
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import SystemRandom
from typing import TYPE_CHECKING, Any

from export_pipelines.errors import RequestError, RetryableError, SourceError
from export_pipelines.streaming.horizons.rows import START_AGAIN

if TYPE_CHECKING:
    from pymysqlreplication import BinLogStreamReader

logging.getLogger("pymysqlreplication").setLevel(logging.ERROR)  # it warns of each connection that ends

MOST_WAITING = 50_000  # ids that are read ahead
HEARTBEAT_S, SILENCE_S, SLOW_READER_S = 15, 60, 4 * 3600
STANDALONE, PREPARED = 1, 64  # flags of a transaction: one statement that needs no commit; XA PREPARE
REFUSED, DENIED = 1236, (1045, 1227)
Place = tuple[int, int]  # in the binlog: the number of its file, and the bytes in it


@dataclass(frozen=True)
class Watched:
    """The rows of `database`.`table`, named by their column `id`. `changes`: those too that were updated."""

    database: str
    table: str
    id: str
    changes: bool


@dataclass
class Transaction:
    """The rows that one transaction wrote, up to `end`, and the state of the server after it."""

    ids: list[str] = field(default_factory=list)
    gtid: str = ""
    flags: int = 0
    state: str = ""
    end: Place = (0, 0)


class Tail:
    """The transactions after the GTIDs of `state`. `start` begins; an error of the thread is raised by `waiting`."""

    def __init__(self, options: Mapping[str, Any], place: str, watched: Watched, state: str) -> None:
        self.options, self.place, self.watched = options, place, watched
        self.is_bounded, self.ids = (
            True,
            0,
        )  # whether it waits when too many wait to be taken, and how many do
        self.state, self.reached = state, _parsed(state)  # before the first that waits, and after the last
        self.transactions: deque[Transaction] = deque()
        self.open: Transaction | None = None
        self.changed = threading.Condition()
        self.error: Exception | None = None
        self.is_closed = self.is_begun = False  # the server has found where the state is
        self.connection: Any = None
        self.thread = threading.Thread(target=self._follow, name="binlog", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def drop_to(self, state: str) -> bool:
        """Forgets what comes before the GTIDs of `state`. Whether the tail knows them."""
        with self.changed:
            if state == self.state:
                return True
            passed = next((n for n, each in enumerate(self.transactions, 1) if each.state == state), 0)
            for _ in range(passed):
                self.ids -= len(self.transactions.popleft().ids)
            if passed:
                self.state = state
                self.changed.notify_all()
            return bool(passed)

    def waiting(self, until: str, patience_s: float, *, all: bool = False) -> tuple[list[Transaction], bool]:
        """The transactions that were not taken: once there is any with ids, or `all` up to the GTIDs `until`, however many;
        False where time was over before. Raises what ended the thread."""
        goal = _parsed(until)

        def is_enough() -> bool:
            is_whole = self.is_begun and _covers(self.reached, goal)
            return (not all and self.ids > 0) or self.error is not None or is_whole

        with self.changed:
            self.is_bounded = not all
            self.changed.notify_all()
            is_in_time = self.changed.wait_for(is_enough, patience_s)
            if self.error is not None:
                raise self._failure(self.error) from self.error
            return list(self.transactions), is_in_time

    def close(self) -> None:
        with self.changed:
            self.is_closed = True
            self.changed.notify_all()
        with suppress(AttributeError, OSError):
            self.connection._sock.shutdown(socket.SHUT_RDWR)
        if self.thread.ident is not None:
            self.thread.join()

    def _follow(self) -> None:
        try:
            reader = self._reader()
            try:
                for event in reader:
                    self._take(event, reader)
            finally:
                reader.close()
            raise ConnectionError("the server ended the binlog")
        except Exception as error:
            with self.changed:
                self.error = error
                self.changed.notify_all()

    def _reader(self) -> "BinLogStreamReader":
        from pymysqlreplication import BinLogStreamReader
        from pymysqlreplication.event import (
            FormatDescriptionEvent,
            MariadbGtidEvent,
            QueryEvent,
            XidEvent,
        )
        from pymysqlreplication.row_event import UpdateRowsEvent, WriteRowsEvent

        changes = [UpdateRowsEvent] if self.watched.changes else []
        settings = {
            **self.options,
            "read_timeout": SILENCE_S,
            "init_command": f"SET SESSION net_write_timeout = {SLOW_READER_S}",
        }
        return BinLogStreamReader(
            connection_settings=settings,
            server_id=SystemRandom().randrange(2**24, 2**32),  # of a replica that is unlike all others
            blocking=True,
            auto_position=self.state,
            is_mariadb=True,
            only_events=[
                FormatDescriptionEvent,
                MariadbGtidEvent,
                XidEvent,
                QueryEvent,
                WriteRowsEvent,
                *changes,
            ],
            only_schemas=[self.watched.database],
            only_tables=[self.watched.table],
            slave_heartbeat=HEARTBEAT_S,
            ignore_decode_errors=True,
            enable_logging=False,
            pymysql_wrapper=self._connect,
        )

    def _connect(self, **settings: Any) -> Any:
        """The library's connections: of the binlog one only, since it would begin once more where it began at first."""
        import pymysql

        if "cursorclass" in settings:
            return pymysql.connect(**settings)
        if self.connection is not None or self.is_closed:
            raise ConnectionError("the connection broke")
        self.connection = pymysql.connect(**settings)
        if self.is_closed:  # meanwhile
            self.connection.close()
        return self.connection

    def _take(self, event: Any, reader: Any) -> None:
        from pymysqlreplication.event import MariadbGtidEvent, QueryEvent

        if isinstance(event, MariadbGtidEvent):
            if self.open is not None:
                self._finish(self.open)
            self.open = Transaction(gtid=event.gtid, flags=event.flags)
            self.open.end = _place(reader)
            return
        if self.open is None:  # the format of the file
            with self.changed:
                self.is_begun = True
                self.changed.notify_all()
            return
        self.open.end = _place(reader)
        if hasattr(event, "rows"):
            self.open.ids.extend(self._ids(event, self.open))
            return
        is_end = not isinstance(event, QueryEvent) or self.open.flags & STANDALONE
        if is_end or event.query.upper() in ("COMMIT", "ROLLBACK"):
            self._finish(self.open)
            self.open = None

    def _ids(self, event: Any, transaction: Transaction) -> Iterator[str]:
        if transaction.flags & PREPARED:
            raise SourceError(
                f"a distributed transaction (XA) wrote to {self.watched.table}: the binlog tells its rows before they are committed",
                where=self.place,
                remedy="take `binlog` out of the catalog, and say in the export how long a transaction may last: `settle`",
            )
        for row in event.rows:
            values = row.get("after_values") or row["values"]
            id = values.get(self.watched.id)
            if id is None or isinstance(id, bytes):
                raise SourceError(
                    f"the binlog tells no text or number for {self.watched.table}.{self.watched.id}",
                    where=self.place,
                    remedy="set binlog_row_metadata=FULL and binlog_row_image=FULL; an id of type UUID is not read by it",
                )
            yield str(id)

    def _finish(self, transaction: Transaction) -> None:
        with self.changed:
            self.reached = self.reached | _parsed(transaction.gtid)
            transaction.state = ",".join(self.reached[domain] for domain in sorted(self.reached))
            last = self.transactions[-1] if self.transactions else None
            if last is not None and not last.ids and not transaction.ids:
                self.transactions.pop()
            self.transactions.append(transaction)
            self.ids += len(transaction.ids)
            self.changed.notify_all()
            self.changed.wait_for(self._has_room)

    def _has_room(self) -> bool:
        return self.is_closed or not self.is_bounded or self.ids <= MOST_WAITING

    def _failure(self, error: Exception) -> Exception:
        """The error that a person can act on."""
        if isinstance(error, SourceError):
            return error
        code = error.args[0] if error.args else None
        if code == REFUSED:
            return RequestError(
                f"the binlog does not go back to the cursor of the stream, or is of another server: {error.args[-1]}",
                where=self.place,
                remedy=f"let the server keep its binlog for longer (binlog_expire_logs_seconds), and {START_AGAIN}",
            )
        if code in DENIED:
            return SourceError(
                f"the binlog may not be read: {error.args[-1]}",
                where=self.place,
                remedy="GRANT REPLICATION SLAVE ON *.* to the user of EXPORT_PIPELINES_SOURCE_URL",
            )
        return RetryableError(
            f"the connection broke: {error.args[-1] if error.args else type(error).__name__}",
            where=self.place,
            remedy="it is connected again",
        )


def _place(reader: Any) -> Place:
    return file_number(reader.log_file), int(reader.log_pos)


def file_number(name: str) -> int:
    """Of `bin.000017`."""
    return int(name.rpartition(".")[2])


def _parsed(state: str) -> dict[str, str]:
    """The last GTID of each domain."""
    return {gtid.partition("-")[0]: gtid for gtid in state.replace(" ", "").split(",") if gtid}


def _covers(reached: Mapping[str, str], goal: Mapping[str, str]) -> bool:
    def number(gtid: str) -> int:
        return int(gtid.rpartition("-")[2])

    return all(domain in reached and number(reached[domain]) >= number(gtid) for domain, gtid in goal.items())
