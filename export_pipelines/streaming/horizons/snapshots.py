"""PostgreSQL, exactly: a column holds the transaction that wrote the row, and a row is new when a snapshot sees its
transaction that the snapshot before did not. Transactions may commit in any order, and stay open for any time."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, cast, func, literal, literal_column, or_, tuple_
from sqlalchemy.types import NUMERIC, TIMESTAMP, TypeEngine, UserDefinedType

from export_pipelines.catalog import Dataset
from export_pipelines.errors import RequestError, RetryableError, SourceError
from export_pipelines.plan.dialects.dialect import Expression
from export_pipelines.plan.dialects.postgresql import EPOCHS
from export_pipelines.plan.plan import Plan
from export_pipelines.plan.query.new_rows import values_in, with_values
from export_pipelines.plan.query.tables import Tables
from export_pipelines.read.index_advice import has_index
from export_pipelines.read.postgresql import PostgresqlSource
from export_pipelines.read.source import Source
from export_pipelines.streaming.horizon import Keep, Position, RowKey, Rows, Span, Start
from export_pipelines.streaming.horizons.rows import (
    START_AGAIN,
    position_of,
    read_rows,
    require_own,
    retryable,
    value_of_column,
)
from export_pipelines.streaming.horizons.snapshot_checks import require_written
from export_pipelines.streaming.horizons.snapshot_text import end_of, open_in

if TYPE_CHECKING:
    import psycopg

NAME = "snapshots"
CLUSTER = "(SELECT system_identifier::text FROM pg_control_system())"
# read after the snapshot of its statement was taken; a standby, which is refused, has none
WRITTEN = "CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_insert_lsn() END::text"
FLUSH_S, PUSH_S, FLUSH_LOOK_S = 40.0, 0.1, 0.02  # by default the server writes its log within 0.6 s
NOTHING_SEEN = "1:1:"  # a snapshot older than every transaction
# all rows; those after a row with a time, or without one, which are the last; those from a time on, and of these after a row
ALL, AFTER, AFTER_TIMELESS, SINCE, SINCE_AFTER = range(5)


class _Type(UserDefinedType[str]):
    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        return self.name


XID, XIDS, PG_SNAPSHOT = _Type("xid8"), _Type("xid8[]"), _Type("pg_snapshot")


@dataclass(frozen=True)
class Between:
    """The rows between two snapshots, after a key; `id` is that of any row where there is none."""

    previous: str
    following: str
    id: str
    part: int = ALL
    time: str = ""


@dataclass(frozen=True)
class SnapshotRows:
    """The condition of the rows between two snapshots; see `request.NewRows`."""

    dataset: Dataset

    @property
    def order(self) -> tuple[str, ...]:
        return (self.dataset.window, self.dataset.row_id)

    def expression(self, tables: Tables) -> Expression:
        return self.between(tables, Between(NOTHING_SEEN, NOTHING_SEEN, ""))

    def between(self, tables: Tables, rows: Between) -> Expression:
        xid = tables.base.c[self.dataset.stream.transaction or ""]
        return and_(
            # what the previous snapshot did not see, said so that an index serves
            or_(
                xid >= cast(literal(end_of(rows.previous)), XID),
                xid == func.any(cast(literal(open_in(rows.previous)), XIDS)),
            ),
            func.pg_visible_in_snapshot(xid, cast(literal(rows.following), PG_SNAPSHOT)),
            self._after(tables, rows),
        )

    def _after(self, tables: Tables, rows: Between) -> Expression:
        """The rows after the key; those without a time are the last."""
        window, id = (tables.field(name) for name in self.order)
        time, row_id = tables.column(window), tables.column(id)
        kind: TypeEngine[Any] = NUMERIC() if window.stored_as in EPOCHS else TIMESTAMP(timezone=True)
        moment: Expression = cast(func.nullif(literal(rows.time), literal_column("''")), kind)
        after = tuple_(time, row_id) > tuple_(moment, value_of_column(rows.id))

        def asked(*parts: int) -> Expression:
            return literal(rows.part).in_([literal_column(str(part)) for part in parts])

        return or_(
            asked(ALL),
            and_(asked(AFTER, SINCE_AFTER), after),
            and_(asked(AFTER), time.is_(None)),
            and_(asked(AFTER_TIMELESS), time.is_(None), row_id > value_of_column(rows.id)),
            and_(asked(SINCE), time >= moment),
        )


@dataclass(frozen=True)
class Snapshots:
    """The mechanism; see `horizon.Mechanism`."""

    dataset: Dataset
    url: str
    name = NAME
    settle_s = None

    @property
    def reason(self) -> str:
        return f"{self.dataset.table}.{self.dataset.stream.transaction} holds the transaction of each row; none is lost"

    @property
    def new_rows(self) -> SnapshotRows:
        return SnapshotRows(self.dataset)

    def open(self, plan: Plan, source: Source) -> "SnapshotHorizon":
        return SnapshotHorizon(self.dataset, self.url, plan, source)


class SnapshotHorizon:
    """See `horizon.Horizon`. Keeps one connection for its looks."""

    name = NAME
    settle_s = None

    def __init__(self, dataset: Dataset, url: str, plan: Plan, source: Source) -> None:
        from export_pipelines.plan.dialects.postgresql import Postgresql

        self.rows, self.plan, self.source, self.url = SnapshotRows(dataset), plan, source, url
        self.tables = Tables(dataset, Postgresql(), None)
        self.server = PostgresqlSource.from_url(url)
        self.connection: psycopg.Connection[Any] | None = None

    def check(self) -> None:
        dataset = self.rows.dataset
        column = dataset.stream.transaction or ""
        self._row("SELECT 1")  # the server answers, and is no standby
        with self._asking() as connection:
            require_written(connection, dataset, self.server.place)
        if not has_index(self.url, dataset.table, column):
            raise SourceError(
                f"no index of {dataset.table} begins with {column}, so each look would read the whole table",
                where=self.server.place,
                remedy=f"CREATE INDEX ON {dataset.table} ({column})",
            )

    def begin(self, start: Start, keep: Keep | None = None) -> Position:
        snapshot, lsn, cluster = self._row(f"SELECT pg_current_snapshot()::text, {WRITTEN}")
        self._wait_for_flush(lsn)
        if start == "now":
            return position_of(NAME, cluster=cluster, snapshot=snapshot)
        limit = {"since": start.isoformat()} if isinstance(start, datetime) else {}
        return position_of(NAME, cluster=cluster, snapshot=NOTHING_SEEN, **limit)

    def look(self, position: Position) -> Span | None:
        own = require_own(position, NAME)
        previous = str(own["snapshot"])
        snapshot, new, is_beyond, lsn, cluster = self._row(self._look(previous))
        if cluster != own["cluster"] or int(end_of(snapshot)) < int(end_of(previous)):
            raise RequestError(
                "the cursor of the stream is of another database server, or of one that was set back to an earlier state: "
                "the numbers of its transactions say nothing here",
                where=self.server.place,
                remedy=START_AGAIN,
            )
        if is_beyond:
            self._refuse_beyond()
        if new is None:
            return None
        self._wait_for_flush(lsn)
        since = {"since": own["since"]} if "since" in own else {}
        content = {"previous": previous, "following": snapshot, "id": new, **since}
        return Span(content, position_of(NAME, cluster=cluster, snapshot=snapshot, **since))

    def read(self, span: Span, after: RowKey | None) -> Iterator[Rows]:
        between = _between(span.content, after)
        values = values_in(self.rows.between(self.tables, between), self.tables.dialect)
        return read_rows(self.source, with_values(self.plan.query, values), self.rows.order)

    def passed(self, position: Position) -> None:
        """Nothing is kept at the server."""

    def warning(self, position: Position) -> str | None:
        return None

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _look(self, previous: str) -> str:
        """The next snapshot, and the id of a row that it sees and the previous one did not, in one statement."""
        dataset = self.rows.dataset
        table, column = _quoted(dataset.table), _quoted(dataset.stream.transaction or "")
        id = _quoted(self.tables.field(dataset.row_id).column.rpartition(".")[2])
        newer = f"FROM {table} WHERE {column}"
        now = "pg_snapshot_xmax(pg_current_snapshot())"
        return (
            "SELECT pg_current_snapshot()::text, coalesce("
            f"(SELECT {id}::text {newer} >= '{end_of(previous)}'::xid8 AND {column} < {now} LIMIT 1),"
            f" (SELECT {id}::text {newer} = ANY('{open_in(previous)}'::xid8[]) LIMIT 1)), EXISTS (SELECT 1 {newer} >= {now}), {WRITTEN}"
        )

    def _wait_for_flush(self, lsn: str) -> None:
        """Until no crash takes anything of a snapshot back: a server gives the numbers again of transactions that it had not
        written down, and forgets commits that did not wait for that. Raises RetryableError where it takes too long."""
        until, push_at = time.monotonic() + FLUSH_S, time.monotonic() + PUSH_S
        while self._row(f"SELECT pg_current_wal_flush_lsn() < '{lsn}'::pg_lsn")[0]:
            if time.monotonic() > until:
                raise RetryableError("the server does not write its log", where=self.server.place)
            if time.monotonic() > push_at:
                self._row("SELECT pg_current_xact_id()")  # what is of no transaction waits for the end of one
                push_at = until
            time.sleep(FLUSH_LOOK_S)

    def _row(self, sql: str) -> tuple[Any, ...]:
        """What the statement gives, and the cluster's name. Raises SourceError for a standby, which hides the transactions
        that are open."""
        with self._asking() as connection:
            row = connection.execute(f"{sql}, {CLUSTER}, pg_is_in_recovery()").fetchone()
        assert row is not None
        if row[-1]:
            self._drop()  # so that a server that is promoted, or another one of the address, is asked
            raise SourceError(
                "this is a standby, which hides the transactions that are open on its primary: rows would be lost",
                where=self.server.place,
                remedy="let EXPORT_PIPELINES_SOURCE_URL name the primary; of several hosts, with target_session_attrs=read-write",
            )
        return tuple(row[:-1])

    @contextmanager
    def _asking(self) -> Iterator["psycopg.Connection[Any]"]:
        """The connection, for statements whose errors are told as the source's."""
        import psycopg

        try:
            yield self._connected()
        except psycopg.Error as error:
            self._drop()
            raise self.server.failure(error.sqlstate, error.diag.message_primary or str(error)) from error

    def _connected(self) -> "psycopg.Connection[Any]":
        if self.connection is None or self.connection.closed:
            with retryable():
                self.connection = self.server.connected()
            self.connection.autocommit = True  # so that each statement has a snapshot of its own
        return self.connection

    def _drop(self) -> None:
        with suppress(Exception):
            self.close()
        self.connection = None

    def _refuse_beyond(self) -> None:
        table, column = self.rows.dataset.table, self.rows.dataset.stream.transaction
        raise SourceError(
            f"rows of {table} hold a {column} above the number of any transaction here: they come from another server, "
            "by a restored dump or by replication, and would never be read",
            where=self.server.place,
            remedy=f"set {column} to pg_current_xact_id() in these rows, and start the stream again from before they came",
        )


def _between(content: Mapping[str, Any], after: RowKey | None) -> Between:
    since = content.get("since")
    time, id = after or (str(since or ""), str(content["id"]))
    if after is None:
        part = SINCE if since else ALL
    elif since:
        part = SINCE_AFTER
    else:
        part = AFTER if time else AFTER_TIMELESS
    return Between(str(content["previous"]), str(content["following"]), id, part, time)


def _quoted(name: str) -> str:
    return ".".join(f'"{part}"' for part in name.split("."))
