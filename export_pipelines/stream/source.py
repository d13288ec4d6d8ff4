"""What the stream asks of a source database; one file per kind of database fulfils it."""

from collections.abc import Iterator
from typing import Protocol

import pyarrow as pa

from export_pipelines.plan.plan import Query


class Source(Protocol):
    """A lead store to read from. Errors name host, table and column, never a password or a value.

    check:  SourceError when the store cannot be reached or the query's tables or columns are not there.
    count:  rows the query will give.
    read:   batches of bounded size, in query order, each conformed to the Arrow schema of `query.columns`
            (text, number and JSON as string, decimal as decimal128(38, scale), timestamp as timestamp(ms, UTC));
            DataError names row id and column, never the value, where a stored value does not fit its type.
    """

    def check(self, query: Query) -> None: ...

    def count(self, query: Query) -> int: ...

    def read(self, query: Query) -> Iterator[pa.RecordBatch]: ...
