"""Reads PostgreSQL: psycopg asks what is there and counts, ADBC fetches by binary COPY, column by column."""

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import adbc_driver_manager
import pyarrow as pa
from sqlalchemy.engine import URL, make_url

from export_pipelines.catalog import Kind
from export_pipelines.connecting import connected
from export_pipelines.errors import RetryableError, SourceError
from export_pipelines.interrupts import cancelled_by
from export_pipelines.plan.query.query import Query, SourceColumn
from export_pipelines.plan.query.ranges import Cut, Range, sql_of_range
from export_pipelines.read.adbc import Session, session
from export_pipelines.read.bad_json import UnreadableJson
from export_pipelines.read.postgresql_ranges import cut, read_ranges, sessions_of
from export_pipelines.read.postgresql_snapshot import Earlier, Pinned, exported, pin
from export_pipelines.read.unknown_row import UnknownRow
from export_pipelines.transform.json_texts import without_blanks

if TYPE_CHECKING:
    import psycopg

log = logging.getLogger(__name__)
CONNECT_S, STATEMENT_S = 10, 4 * 3600
# UTC, so that a time without a zone means UTC; read-only, so that nothing here can ever write; one snapshot for a
# transaction, which may wait until its rows were taken
SESSION = (
    "-c default_transaction_isolation=repeatable\\ read -c idle_in_transaction_session_timeout=0 "
    "-c timezone=UTC -c datestyle=ISO -c extra_float_digits=1 -c default_transaction_read_only=on "
    f"-c standard_conforming_strings=on -c statement_timeout={STATEMENT_S * 1000}"
)
REMEDY = "look at EXPORT_PIPELINES_SOURCE_URL: postgresql://user:password@host:5432/database"
PLACES = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$(\d+)"
)  # what is quoted is no place of a parameter
NOT_THERE = ("42P01", "42703", "3F000", "42883", "42501")  # table, column, schema, operator, right
UNREADABLE: tuple[tuple[str, type[UnknownRow], str, str], ...] = (  # of these ADBC does not tell the state
    (
        "type json", UnreadableJson, "JSON that does not parse",
        "find its rows with `NOT (column IS JSON)` and mend them, or make the column json",
    ),
    (
        "Unicode escape sequence", UnreadableJson, "JSON that holds \\u0000, which no text of PostgreSQL does",
        "mend the row, or leave the field out",
    ),
    (
        "byte sequence for encoding", UnknownRow, "a stored text is not UTF-8",  # a database of SQL_ASCII takes any bytes
        "mend the row, or leave the field out",
    ),
)  # fmt: skip
LOST = ("08", "57", "53", "40")  # connection, operator's intervention, resources, a standby that has to go on


class PostgresqlSource:
    """A PostgreSQL database; see `source.Source` for what it owes."""

    holds_utf8 = True  # since the server sends no other text to a client of this encoding

    def __init__(self, url: URL, connections: int = 1) -> None:
        options = " ".join(filter(None, (SESSION, _option(url))))
        defaults = {"connect_timeout": str(CONNECT_S), "application_name": "export_pipelines"}
        ours = {"options": options, "client_encoding": "UTF8"}
        self.url = url.set(drivername="postgresql", query={**defaults, **url.query, **ours})
        self.connections = connections
        self.place = f"{url.host or 'localhost'}:{url.port or 5432}/{url.database or ''}"

    @classmethod
    def from_url(cls, url: str, connections: int = 1) -> "PostgresqlSource":
        """`connections` share the rows of one query at most. Raises SourceError."""
        try:
            import adbc_driver_postgresql  # noqa: F401 - the extra may not be installed
            import psycopg  # noqa: F401
        except ImportError as error:
            raise SourceError(
                "the drivers for PostgreSQL are not installed",
                where="EXPORT_PIPELINES_SOURCE_URL",
                remedy="pip install 'export-pipelines[postgresql]'",
            ) from error
        return cls(make_url(url), connections)

    def check(self, query: Query) -> None:
        with self._asking() as connection:
            _scalar(connection, f"EXPLAIN {query.sql}", query)

    def count(self, query: Query) -> int:
        (rows,) = self.counts([query])
        return rows

    def counts(self, queries: Sequence[Query]) -> Iterator[int]:
        with self._asking() as connection:
            for query in queries:
                yield int(_scalar(connection, query.count_sql, query))

    def read(self, query: Query) -> Iterator[pa.RecordBatch]:
        try:
            if query.is_entire and not self._alone(query):
                with self._asking() as leader:
                    shared = self._cut(leader, query)
                    if shared.ranges and not query.snapshot:
                        yield from self._read_ranges(query, shared, exported(leader))
                        return
                if shared.ranges:
                    yield from self._read_ranges(query, shared, query.snapshot)
                    return
            with self._session(query) as session, self._in_snapshot(session, query.snapshot):
                yield from _read(session, inlined(query.sql, query.values), query)
        except (adbc_driver_manager.Error, pa.ArrowException, OSError) as error:
            raise self.failure(getattr(error, "sqlstate", None), str(error)) from error

    @contextmanager
    def pinned(self, query: Query, earlier: Earlier | None) -> Iterator[Pinned]:
        """The query, to be read from one snapshot that is held; with `earlier`, of the rows that that run would have read
        next, where they are still exactly those. Raises SourceError, RetryableError."""
        whole: dict[str, Any] = {
            "sql": inlined(query.sql, query.values),
            "count_sql": inlined(query.count_sql, query.values),
        }
        if key := query.range_key:
            whole["range_key"] = key.model_copy(update={"bounds_sql": inlined(key.bounds_sql, query.values)})
        query = query.model_copy(update={**whole, "parameters": ()})
        import psycopg

        with self._asking() as leader:
            try:
                pinned = pin(leader, query, earlier)
            except (psycopg.ProgrammingError, psycopg.NotSupportedError):
                pinned = Pinned(query)  # a server, or a right, that says nothing of transactions
            yield pinned
            with suppress(psycopg.Error):  # it has waited for all rows: nobody needs it any more
                leader.rollback()

    def cut(self, query: Query) -> Cut:
        """How several connections share the rows of the query, or why they do not. Raises SourceError, RetryableError."""
        if reason := self._alone(query):
            return Cut(reason=reason)
        with self._asking() as connection:
            return self._cut(connection, query)

    def _alone(self, query: Query) -> str:
        """Why one connection reads all rows, whatever they are; empty where several may share them."""
        if self.connections == 1:
            return "the settings allow one connection"
        return "" if query.range_key else "no stored column sorts its rows"

    def _cut(self, connection: "psycopg.Connection[Any]", query: Query) -> Cut:
        key = query.range_key
        assert key is not None
        bounds_sql = inlined(key.bounds_sql, query.values)
        return cut(
            key,
            lambda: [row[0] for row in connection.execute(bounds_sql)],
            lambda rows: inlined(sql_of_range(query, rows), query.values),
            lambda sql: next(connection.execute(f"EXPLAIN (FORMAT JSON) {sql}"))[0][0]["Plan"],
        )

    def _read_ranges(self, query: Query, cut: Cut, snapshot: str) -> Iterator[pa.RecordBatch]:
        """The rows of a snapshot whose transaction stays open meanwhile."""

        def read(session: Session, rows: Range) -> Iterator[pa.RecordBatch]:
            with self._in_snapshot(session, snapshot):
                yield from _read(session, inlined(sql_of_range(query, rows), query.values), query)

        with sessions_of(lambda: self._session(query), self.connections) as sessions:
            log.info("reading in ranges", extra={"connections": len(sessions)})
            yield from read_ranges(cut, sessions, read)

    @contextmanager
    def _in_snapshot(self, session: Session, snapshot: str) -> Iterator[None]:
        """A transaction that sees the snapshot; none where it is not named."""
        if not snapshot:
            yield
            return
        with session.transaction():
            try:
                session.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
            except adbc_driver_manager.Error as error:  # gone with the connection that exported it
                raise self.failure(LOST[0], str(error)) from error
            yield

    def _session(self, query: Query) -> AbstractContextManager[Session]:
        import adbc_driver_postgresql

        size = {"adbc.postgresql.batch_size_hint_bytes": str(query.batch_bytes)}
        return session(adbc_driver_postgresql.connect(self.address()), **size)

    @contextmanager
    def _asking(self) -> "Iterator[psycopg.Connection[Any]]":
        """A connection whose errors are those that a person can act on."""
        import psycopg

        try:
            with self.connected() as connection, cancelled_by(connection.cancel):
                yield connection
        except psycopg.Error as error:
            raise self.failure(error.sqlstate, error.diag.message_primary or str(error)) from error

    def connected(self) -> "psycopg.Connection[Any]":
        """A session that can only read. Raises SourceError."""
        import psycopg

        try:
            return connected(lambda: psycopg.connect(self.address()), psycopg.Error)
        except psycopg.Error as error:
            raise SourceError(
                f"cannot be reached: {_last_line(str(error))}", where=self.place, remedy=REMEDY
            ) from error

    def address(self, **more: str) -> str:
        """As libpq takes it, with `more` of its options."""
        # libpq takes a plus for a plus
        return self.url.update_query_dict(more).render_as_string(hide_password=False).replace("+", "%20")

    def failure(self, state: str | None, text: str) -> Exception:
        """The error that a person can act on."""
        what = _last_line(text)
        if state in NOT_THERE:
            return SourceError(
                what, where=self.place, remedy="name your own tables in a catalog file, or grant SELECT"
            )
        for phrase, error, fault, remedy in UNREADABLE:
            if phrase in what:
                return error(fault, where=self.place, remedy=remedy)
        if state == "2201B":
            return SourceError(f"PostgreSQL does not know this regular expression: {what}", where=self.place)
        if state and state.startswith("22"):
            return UnknownRow(f"a stored value cannot be read: {_without_values(what)}", where=self.place)
        if state is None or state.startswith(LOST):
            return RetryableError(
                f"the connection broke: {what}; nothing was kept", where=self.place, remedy="run it again"
            )
        return SourceError(f"reading stopped: {_without_values(what)}", where=self.place)


def _scalar(connection: "psycopg.Connection[Any]", sql: str, query: Query) -> Any:
    """The first cell of what `sql` gives, which is the plan's, with every value quoted."""
    row = connection.execute(inlined(sql, query.values)).fetchone()
    assert row is not None
    return row[0]


def _read(session: Session, sql: str, query: Query) -> Iterator[pa.RecordBatch]:
    for batch in session.batches(sql):
        if batch.num_rows:
            yield _compacted(batch, query.columns)


def inlined(sql: str, parameters: tuple[str | int | float | None, ...]) -> str:
    """`sql` with its parameters as literals: COPY, the only road that streams, takes none."""

    def value(place: re.Match[str]) -> str:
        return _literal(parameters[int(place[1]) - 1]) if place[1] else place[0]

    return PLACES.sub(value, sql)


def _literal(value: str | int | float | None) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        if "\0" in value:
            raise SourceError("PostgreSQL holds no text with a NUL, so no filter can ask for one")
        return "'" + value.replace("'", "''") + "'"  # backslashes are plain: standard_conforming_strings
    return repr(value)


def _compacted(batch: pa.RecordBatch, columns: Iterable[SourceColumn]) -> pa.RecordBatch:
    """JSON as the other databases write it, which a server gives as it was stored."""
    for position, column in enumerate(columns):
        if column.kind is Kind.JSON and not column.in_json:
            texts = batch.column(position)
            compact = without_blanks(texts)
            if compact is not texts:
                batch = batch.set_column(position, batch.schema.field(position), compact)
    return batch


def _option(url: URL) -> str:
    options = url.query.get("options", "")
    return options if isinstance(options, str) else " ".join(options)


def _last_line(text: str) -> str:
    """libpq tells the cause first, ADBC last, after its own words; neither tells the password."""
    lines = [line.strip() for line in text.replace("[libpq]", "\n").splitlines() if line.strip()]
    errors = [line for line in lines if "ERROR:" in line or "FATAL:" in line]
    return (errors or lines or ["no reason was told"])[0].split("ERROR:")[-1].split("FATAL:")[-1].strip()


def _without_values(text: str) -> str:
    """`invalid input syntax for type numeric: "..."` without what was stored."""
    return re.sub(r'"[^"]*"', '"..."', text)
