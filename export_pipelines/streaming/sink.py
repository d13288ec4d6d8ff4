"""The contract of a sink: rows are added to a batch, and a commit returns when all of them are there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import polars as pl


@dataclass(frozen=True)
class Shown:
    """Masked rows of a stream, in order: `frame` has the output columns of the plan, by id; `ids` the id of each row's event
    or lead; `sequence` the number of the first row in the stream, the others follow. `emitted_at` is the time of the look
    that found them."""

    frame: pl.DataFrame
    ids: pl.Series
    sequence: int
    emitted_at: datetime


@dataclass(frozen=True)
class DeadLetter:
    """A record that the sink can never take. `reason` holds no value of it."""

    id: str
    sequence: int
    reason: str


@dataclass(frozen=True)
class Sent:
    """What one commit brought to the sink. `doubtful` records may be there twice, since an answer was lost; `retried` were
    sent again; `place` is the key of the object that holds them, and `bytes` is its size, or that of the records."""

    rows: int
    bytes: int
    doubtful: int = 0
    retried: int = 0
    dead: Sequence[DeadLetter] = ()
    place: str | None = None
    sha256: str | None = None


Intention = Mapping[str, Any]  # JSON: what is about to be put where, by which a killed commit is found again
Intend = Callable[[Intention], None]  # stores it durably, before anything is sent


class Sink(Protocol):
    """Holds one batch at a time. A sink outlives the commits that fail: it knows what they have sent.

    check:   RequestError where the stream, bucket or key is not there, or may not be used.
    add:     takes rows into the batch. Their sequences follow those before, and `emitted_at` never goes back in a stream.
    is_full: whether the batch should be committed now.
    commit:  returns when every record of the batch is at the sink, or is a dead letter; the batch is empty then.
             Raises RetryableError, FatalError or RequestError where some are not: the batch is dropped, and its rows come
             again, perhaps in other cuts.
    drop:    forgets the rows that were added since the last commit; they come again.
    resolve: of the intentions for the current place in the stream, the oldest first, the one that did reach the sink, None
             where none did. It is asked with all of them when a stream goes on and after each commit that failed, before
             rows are added: a later attempt at these rows has to go where the first was to go.
    close:   ends connections, and a wait of a commit in another thread.
    """

    def check(self) -> None: ...

    def add(self, rows: Shown) -> None: ...

    @property
    def is_full(self) -> bool: ...

    def commit(self, intend: Intend) -> Sent: ...

    def drop(self) -> None: ...

    def resolve(self, intentions: Sequence[Intention]) -> Intention | None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Envelope:
    """What stands around the data of a record: `{id, sequence, export, schema_version, emitted_at, data}`. `bare`: nothing.
    `stream` begins the names of objects where that is not the export, as of a replay."""

    export: str
    schema_version: int
    bare: bool = False
    stream: str | None = None
