"""What the stream asks of a source database; one file per kind of database fulfils it."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import pyarrow as pa

from export_pipelines.errors import SourceError
from export_pipelines.plan.query.query import Query


class OutOfOrder(SourceError):
    """Rows do not come in the order of their windows, so that no pass can read several."""


class Source(Protocol):
    """A lead store to read from. Errors name host, table and column, never a password or a value.

    holds_utf8:  whether the database sees to it that all its texts come as UTF-8.
    check:  SourceError when the store cannot be reached or the query's tables or columns are not there.
    count:  rows the query will give; with a rest, at most.
    counts: the same of many queries, over one connection where that costs; what fails ends it.
    read:   batches of bounded size, in query order, columns named as in `query.columns`, each a string or already of
            the declared type; `conform` makes them so, in another thread. Stored JSON that does not parse is a DataError,
            or marked in the query's `marked` columns.
    """

    holds_utf8: bool

    def check(self, query: Query) -> None: ...

    def count(self, query: Query) -> int: ...

    def counts(self, queries: Sequence[Query]) -> Iterator[int]: ...

    def read(self, query: Query) -> Iterator[pa.RecordBatch]: ...
