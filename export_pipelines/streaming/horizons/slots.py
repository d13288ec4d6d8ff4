"""Replication slots of a PostgreSQL server over ordinary connections: made, moved on, dropped, and what they keep. An LSN is a
number here: a place in the server's log of changes, the WAL, in bytes."""

import select
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from export_pipelines.errors import RetryableError, SourceError
from export_pipelines.read.postgresql import PostgresqlSource
from export_pipelines.streaming.horizons.rows import retryable

if TYPE_CHECKING:
    import psycopg

PREFIX, MOST_OF_NAME = "export_pipelines_", 37  # a slot's name has at most 63 letters
IN_USE, UNKNOWN, CANCELED = "55006", "42704", "57014"
CREATE = (
    "SELECT pg_wal_lsn_diff(lsn, '0/0')::bigint FROM pg_create_logical_replication_slot('{}', 'pgoutput'{})"
)
FAILOVER_SINCE, FAILOVER = 170_000, ", failover => true"  # standbys may take the slot over
STATES = """
SELECT slot_name, database, plugin, active, pg_wal_lsn_diff(confirmed_flush_lsn, '0/0')::bigint,
       coalesce(pg_wal_lsn_diff({now}, restart_lsn), 0)::bigint, wal_status,
       coalesce(to_jsonb(s) ->> 'invalidation_reason', '')
FROM pg_replication_slots s WHERE slot_type = 'logical' AND {which}
"""
NOW = "CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_lsn() ELSE pg_last_wal_replay_lsn() END"


@dataclass(frozen=True)
class SlotState:
    """A slot: changes up to `confirmed` are done with, and the server keeps so many bytes of WAL for the others. `wal` is
    `lost` where it did not, for the `reason`."""

    name: str
    database: str
    plugin: str
    is_active: bool
    confirmed: int | None
    kept_bytes: int
    wal: str | None
    reason: str

    @property
    def is_lost(self) -> bool:
        return self.wal == "lost" or bool(self.reason)


def new_name(stream: str) -> str:
    """Of a slot for the stream: no other home has it."""
    return f"{PREFIX}{stream[:MOST_OF_NAME]}_{token_hex(4)}"


def lsn_text(lsn: int) -> str:
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def lsn_number(text: str) -> int:
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


class Slots:
    """The slots of the server of `url`, over one connection that is kept. Raises SourceError, RetryableError."""

    def __init__(self, url: str) -> None:
        self.server = PostgresqlSource.from_url(url)
        self.place = self.server.place
        self.connection: psycopg.Connection[Any] | None = None
        self.creation: tuple[str, psycopg.Connection[Any]] | None = None

    def rows(
        self, statement: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[tuple[Any, ...]]:
        """What the statement gives, in a transaction of its own."""
        import psycopg

        try:
            return self._connected().execute(statement, parameters).fetchall()
        except psycopg.Error as error:
            self._drop_connection()
            raise self.failure(error) from error

    def state(self, name: str) -> SlotState | None:
        """None where there is no such slot."""
        states = self.rows(STATES.format(now=NOW, which="slot_name = %s"), (name,))
        return SlotState(*states[0]) if states else None

    def all(self) -> list[SlotState]:
        """Those that this program made in this database, for any home."""
        which = "starts_with(slot_name, %s) AND database = current_database() ORDER BY slot_name"
        return [SlotState(*row) for row in self.rows(STATES.format(now=NOW, which=which), (PREFIX,))]

    def create(self, name: str, patience_s: float) -> int:
        """The LSN from which on the slot has all changes. The server waits for the transactions that are open; while they are,
        RetryableError is raised after `patience_s`, and the next call goes on waiting."""
        import psycopg

        if self.creation is None or self.creation[0] != name:
            self._cancel()
            self.drop(name)  # what is left of a call that was killed
            with retryable():
                connection = self.server.connected()
            connection.autocommit = True
            options = FAILOVER if connection.info.server_version >= FAILOVER_SINCE else ""
            connection.pgconn.send_query(CREATE.format(name, options).encode())
            self.creation = (name, connection)
        _, connection = self.creation
        try:
            result = _result(connection, patience_s)
            if result is None:
                raise RetryableError(
                    "the replication slot waits for transactions that are open",
                    where=self.place,
                    remedy="it is made when those that were open as it was asked for have ended",
                )
            lsn = int(result.get_value(0, 0) or b"")
        except psycopg.Error as error:
            raise self.failure(error) from error
        finally:
            if _is_over(connection):
                self._cancel()
        return lsn

    def advance(self, name: str, lsn: int) -> None:
        """The changes up to `lsn` are done with."""
        self.rows("SELECT pg_replication_slot_advance(%s, %s)::text", (name, lsn_text(lsn)))

    def drop(self, name: str) -> bool:
        """Whether there was such a slot."""
        dropped = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s"
        return bool(self.rows(dropped, (name,)))

    def switched_at(self, timeline: int) -> int | None:
        """Where the history `timeline` ended as another server was promoted; None where this server does not know it."""
        import psycopg

        (now,) = self.rows("SELECT left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)")[0]
        try:
            with psycopg.connect(self.server.address(replication="database"), autocommit=True) as connection:
                result = connection.pgconn.exec_(f"TIMELINE_HISTORY {int(now, 16)}".encode())
        except psycopg.Error as error:
            raise self.failure(error) from error
        if result.status != psycopg.pq.ExecStatus.TUPLES_OK:
            return None
        lines = (line.split() for line in (result.get_value(0, 1) or b"").decode().splitlines())
        ends = {int(words[0]): words[1] for words in lines if len(words) > 1 and words[0].isdigit()}
        return lsn_number(ends[timeline]) if timeline in ends else None

    def failure(self, error: "psycopg.Error") -> Exception:
        """The error that a person can act on."""
        if error.sqlstate == IN_USE:
            return RetryableError(
                "another session reads the replication slot", where=self.place, remedy="it is asked again"
            )
        text = error.diag.message_primary or str(error)
        if "all replication slots are in use" in text:
            return SourceError(
                text,
                where=self.place,
                remedy="raise max_replication_slots, or drop one that nobody reads: SELECT * FROM pg_replication_slots",
            )
        return self.server.failure(error.sqlstate, text)

    def close(self) -> None:
        self._cancel()
        self._drop_connection()

    def _connected(self) -> "psycopg.Connection[Any]":
        if self.connection is None or self.connection.closed:
            with retryable():
                self.connection = self.server.connected()
            self.connection.autocommit = True
        return self.connection

    def _drop_connection(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()

    def _cancel(self) -> None:
        """Ends a creation, of which nothing is left then."""
        creation, self.creation = self.creation, None
        if creation is not None:
            with suppress(Exception):
                creation[1].cancel()
            with suppress(Exception):
                creation[1].close()


def _result(connection: "psycopg.Connection[Any]", patience_s: float) -> Any:
    """The result of the query that was sent; None where it is not there in time. Raises psycopg.Error."""
    import psycopg

    pgconn, until = connection.pgconn, time.monotonic() + patience_s
    while pgconn.is_busy():
        left = until - time.monotonic()
        if left <= 0:
            return None
        if select.select([pgconn.socket], [], [], left)[0]:
            pgconn.consume_input()
    result = pgconn.get_result()
    if result is None or result.status != psycopg.pq.ExecStatus.TUPLES_OK:
        raise psycopg.errors.error_from_result(result) if result else psycopg.OperationalError("no answer")
    return result


def _is_over(connection: "psycopg.Connection[Any]") -> bool:
    """Whether nothing is awaited any more."""
    return not connection.pgconn.is_busy()
