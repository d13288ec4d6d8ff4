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
    """What one commit brought to the sink. `doubtful` records may be there twice, since an answer was lost; `place` is the
    object that holds them, and `bytes` is its size, or that of the records."""

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
    """Holds one batch at a time.

    check:   RequestError where the stream, bucket or key is not there, or may not be used.
    add:     takes rows into the batch.
    is_full: whether the batch should be committed now.
    commit:  returns when every record of the batch is at the sink, or is a dead letter; the batch is empty then.
             Raises RetryableError or FatalError where some are not: the batch is dropped, and its rows come again.
    drop:    forgets the rows that were added since the last commit; they come again. What failed commits brought to the
             sink is remembered, so the object is kept over failures.
    resolve: of the intentions that a killed commit has left for the current place in the stream, the one that did reach
             the sink, None where none did.
    close:   ends connections.
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
    """What stands around the data of a record: `{id, sequence, export, schema_version, emitted_at, data}`. `bare`: nothing."""

    export: str
    schema_version: int
    bare: bool = False
