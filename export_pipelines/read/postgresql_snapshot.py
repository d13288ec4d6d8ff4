"""What a snapshot of PostgreSQL saw, in words that outlive it: whether rows are still exactly those that it saw."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from export_pipelines.plan.query.query import Query
from export_pipelines.plan.query.ranges import with_condition

if TYPE_CHECKING:
    import psycopg

HALF, WHOLE = 1 << 31, 1 << 32  # numbers of transactions, as a row holds them, begin anew after WHOLE
MOST_JOINED = 1_000_000  # rows of a joined table, which are counted
SERVER = (
    "SELECT (SELECT system_identifier::text FROM pg_control_system()) || ' '"
    " || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8), pg_snapshot_xmin(pg_current_snapshot())::text"
)
# tables whose rows hold the transaction that wrote them, and that give all of them to whoever asks
PLAIN = """
SELECT count(*) FROM pg_class c JOIN pg_am a ON a.oid = c.relam
WHERE c.oid = ANY(%s::regclass[]) AND c.relkind = 'r' AND a.amname = 'heap' AND NOT c.relrowsecurity
  AND c.reltuples < %s AND NOT EXISTS (SELECT 1 FROM pg_inherits i WHERE i.inhparent = c.oid)
"""


@dataclass(frozen=True)
class Snapshot:
    """`xmin`: each transaction with a lower number was over. `rows` of the query, and of each table `joined` to it.

    A row whose number is lower, and that is there now, was there then, as it is: its transaction was over, and nobody has
    changed or removed it since, or it would have a higher number or be gone. If there are as many of them as the snapshot
    saw, they are all.
    """

    server: str
    xmin: int
    rows: int
    joined: dict[str, int]


@dataclass(frozen=True)
class Earlier:
    """A run that ended early: what it saw, how many rows it wrote, and the sort values of the last of them."""

    snapshot: Snapshot
    rows: int
    after: tuple[str, ...]


@dataclass(frozen=True)
class Pinned:
    """A query to read, as long as its snapshot is held; `snapshot` in words that outlive it, None where there are none.
    `begun_anew` says why the rows are not those after the earlier run's; empty where they are."""

    query: Query
    snapshot: Snapshot | None = None
    begun_anew: str = "the source does not tell which rows an earlier snapshot saw"


def take(connection: "psycopg.Connection[Any]", query: Query, count_sql: str) -> Snapshot | None:
    """What the transaction of `connection` sees; None where rows do not tell when they were written, and on a standby, beside
    which another one may be behind. Raises psycopg.Error."""
    key = query.range_key
    if key is None or not key.unique or _cell(connection, "SELECT pg_is_in_recovery()::int"):
        return None
    base, *joined = key.tables
    for tables, most in (([base], HALF * WHOLE), (joined, MOST_JOINED)):
        if _cell(connection, PLAIN, (tables, most)) != len(tables):
            return None
    server, xmin = connection.execute(SERVER).fetchone() or ("", "0")
    counts = {table: _cell(connection, f"SELECT count(*) FROM {table}") for table in joined}  # noqa: S608
    return Snapshot(server, int(xmin), _cell(connection, count_sql), counts)


def rows_after(
    connection: "psycopg.Connection[Any]", query: Query, snapshot: Snapshot, after: Sequence[str], rows: int
) -> Query | str:
    """The query of the rows that `snapshot` saw after the row with the sort values `after`, the `rows`th; why they cannot
    be had, in words. `query` has its values in its SQL. Raises psycopg.Error."""
    now, key = take(connection, query, "SELECT 0"), query.range_key
    if now is None or key is None or now.server != snapshot.server:
        return "the source is another server, or another kind of table"
    if now.xmin < snapshot.xmin:
        return "the server was set back, and may give numbers of transactions again"
    for table, before in snapshot.joined.items():
        old = f"SELECT count(*) FROM {table} WHERE {_is_old(table, snapshot.xmin)}"  # noqa: S608
        if now.joined.get(table) != before or _cell(connection, old) != before:
            return f"rows of {table} have changed since"
    values = ", ".join("'" + value.replace("'", "''") + "'" for value in after)
    condition = f"({', '.join(key.unique)}) > ({values}) AND {_is_old(key.tables[0], snapshot.xmin)}"
    following = with_condition(query, condition)
    if _cell(connection, following.count_sql) != snapshot.rows - rows:
        return "rows of the window have changed since"
    return following


def _is_old(table: str, xmin: int) -> str:
    """Whether a row's transaction has a lower number than `xmin`. Of rows more than two thousand million transactions old it
    may say no, which only makes the run begin anew."""
    return f"(({table}.xmin::text::bigint - {xmin % WHOLE}) & {WHOLE - 1}) >= {HALF}"


def _cell(connection: "psycopg.Connection[Any]", sql: str, values: Sequence[Any] | None = None) -> int:
    ((number,),) = connection.execute(sql, values)
    return int(number)


def pin(leader: "psycopg.Connection[Any]", query: Query, earlier: Earlier | None) -> Pinned:
    """The query in the snapshot of `leader`'s transaction. Raises psycopg.Error."""
    name, why = exported(leader), ""
    if earlier:
        following = rows_after(leader, query, earlier.snapshot, earlier.after, earlier.rows)
        if isinstance(following, Query):
            changes = {"snapshot": name, "is_entire": False}
            return Pinned(following.model_copy(update=changes), earlier.snapshot, "")
        why = following
    return Pinned(query.model_copy(update={"snapshot": name}), take(leader, query, query.count_sql), why)


def exported(connection: "psycopg.Connection[Any]") -> str:
    """The name of the transaction's snapshot for others, as long as it is open. Raises psycopg.Error."""
    ((snapshot,),) = connection.execute("SELECT pg_export_snapshot()")
    return str(snapshot)
