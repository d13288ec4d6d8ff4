"""Messages of `pgoutput`, the plugin by which PostgreSQL tells its changes (version 1 of its protocol: whole transactions, in
the order of their commits). Bytes enter, the ids of written rows leave; what is not known is refused."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from struct import Struct, error, unpack_from

from export_pipelines.errors import SourceError

COMMIT_LSN_AND_XID = Struct("!QqI")  # of a transaction that begins: LSN of its commit, time, number
FLAGS_AND_END_LSN = Struct("!BQQq")  # of one that ends: flags, LSN of its commit, LSN after it, time
PASSED_OVER = b"DTYO"  # Delete, Truncate, Type, Origin
OLD, KEY, NEW = b"OKN"
NULL, UNCHANGED, TEXT = b"nut"


@dataclass(frozen=True)
class Watched:
    """The rows of a table, named by their column `id`. `changes`: those too that were updated."""

    schema: str
    table: str
    id: str
    changes: bool


@dataclass(frozen=True)
class Piece:
    """Rows that a transaction wrote: its number in 32 bits, the LSN of its commit, their ids in order. `end` is the LSN after
    the commit, None while more rows of the transaction follow."""

    xid: int
    commit: int
    ids: tuple[str, ...]
    end: int | None


@dataclass
class _Transaction:
    commit: int
    xid: int


def pieces(messages: Iterable[bytes], watched: Watched, most: int) -> Iterator[Piece]:
    """The transactions of the messages, in pieces of at most so many ids; one that wrote no row of the table has one without.
    Raises SourceError for a message that is not of the protocol."""
    reader = _Messages(watched)
    ids: list[str] = []
    transaction: _Transaction | None = None
    for message in messages:
        try:
            kind, body = message[0], memoryview(message)[1:]
            if kind == ord("B"):
                commit, _, xid = COMMIT_LSN_AND_XID.unpack(body)
                transaction, ids = _Transaction(commit, xid), []
            elif kind == ord("R"):
                reader.relation(body)
            elif kind in PASSED_OVER:
                continue
            elif transaction is None:
                raise ValueError("a change outside of a transaction")
            elif kind == ord("C"):
                _, _, end, _ = FLAGS_AND_END_LSN.unpack(body)
                yield Piece(transaction.xid, transaction.commit, tuple(ids), end)
                transaction = None
            elif kind in b"IU":
                id = reader.id_of(kind, body)
                if id is not None:
                    if len(ids) == most:
                        yield Piece(transaction.xid, transaction.commit, tuple(ids), None)
                        ids = []
                    ids.append(id)
            else:
                raise ValueError(f"a message of the kind {chr(kind)!r}")
        except (ValueError, IndexError, KeyError, error) as fault:
            raise SourceError(f"the server's changes cannot be read: {fault}") from fault


class _Messages:
    """Knows the tables that were described: the place of the id in the rows of the watched one."""

    def __init__(self, watched: Watched) -> None:
        self.watched = watched
        self.places: dict[int, int | None] = {}  # by the table's number; None for another table

    def relation(self, body: memoryview) -> None:
        (number,) = unpack_from("!I", body)
        schema, at = _name(body, 4)
        table, at = _name(body, at)
        (count,) = unpack_from("!H", body, at + 1)  # behind the replica identity
        at += 3
        columns = []
        for _ in range(count):
            column, at = _name(body, at + 1)  # behind its flags
            columns.append(column)
            at += 8  # type and its modifier
        if (schema or "pg_catalog", table) != (self.watched.schema, self.watched.table):
            self.places[number] = None
        elif self.watched.id not in columns:
            raise SourceError(
                f"the publication leaves {table}.{self.watched.id} out, by which rows are named",
                remedy="add the column to the publication's list",
            )
        else:
            self.places[number] = columns.index(self.watched.id)

    def id_of(self, kind: int, body: memoryview) -> str | None:
        """Of an inserted or updated row; None where it is not asked for."""
        (number,) = unpack_from("!I", body)
        place, at = self.places[number], 4
        if place is None or (kind == ord("U") and not self.watched.changes):
            return None
        if body[at] in (OLD, KEY):
            at = _row_end(body, at + 1)
        if body[at] != NEW:
            raise ValueError("a row without its new values")
        id = _cell(body, at + 1, place)
        if id is None:
            raise SourceError(f"a row of {self.watched.table} has no {self.watched.id}, by which it is read")
        return id


def _name(body: memoryview, at: int) -> tuple[str, int]:
    """A text that ends with a zero, and where the next value begins."""
    end = at
    while body[end]:
        end += 1
    return str(body[at:end], "utf-8"), end + 1


def _cell(body: memoryview, at: int, place: int) -> str | None:
    """The text in a place of the row that begins at `at`."""
    (count,) = unpack_from("!H", body, at)
    at += 2
    for number in range(count):
        kind = body[at]
        if kind == TEXT:
            (size,) = unpack_from("!i", body, at + 1)
            if number == place:
                return str(body[at + 5 : at + 5 + size], "utf-8")
            at += 5 + size
        elif kind in (NULL, UNCHANGED):
            if number == place:
                return None
            at += 1
        else:
            raise ValueError(f"a value of the kind {chr(kind)!r}")
    raise ValueError("a row without its id")


def _row_end(body: memoryview, at: int) -> int:
    (count,) = unpack_from("!H", body, at)
    at += 2
    for _ in range(count):
        at += 5 + unpack_from("!i", body, at + 1)[0] if body[at] == TEXT else 1
    return at
