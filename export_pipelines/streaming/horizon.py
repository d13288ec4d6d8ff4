"""The contract of a horizon: which committed rows of a table are new since a position, whatever order they were committed in."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol

import pyarrow as pa

from export_pipelines.plan.plan import Plan
from export_pipelines.plan.request import NewRows
from export_pipelines.read.source import Source

Start = Literal["now", "beginning"] | datetime  # a time: rows whose window field is not before it
Position = Mapping[str, Any]  # JSON; what it holds is known to its horizon alone
RowKey = tuple[str, ...]  # of a row, in the order of its span; JSON


@dataclass(frozen=True)
class Span:
    """The rows that one look found to be new: the same rows in the same order whenever it is read, unless they are deleted
    meanwhile. `content` says which, as JSON; when all are sent, the position is `end`. `more`: it has as many rows as a look
    takes, and there may be more behind it."""

    content: Mapping[str, Any]
    end: Position
    more: bool = False


@dataclass(frozen=True)
class Keep:
    """For whom a source keeps what comes: a stream's name. `store` writes a position down, before anything is made at the
    source that bears it."""

    stream: str
    store: Callable[[Position], None]


class Rows(NamedTuple):
    """A batch as a source gives it, of the plan's columns, and the key of its last row."""

    batch: pa.RecordBatch
    last: RowKey


class Horizon(Protocol):
    """One mechanism over one table. Each finds every row that was committed, none of a transaction that was rolled back.

    name:     of the mechanism, such as `snapshots`; a position of another one is refused.
    settle_s: rows of a transaction that lasts longer are lost; None where none are.
    check:    SourceError where the mechanism does not work (a standby, a column or right that is missing).
    begin:    the position from which a stream starts that has none yet. Without `keep`, for a replay, nothing is kept at the
              source, and what comes after the rows that were there may be left out.
    look:     what is new after a position, in one query; None where nothing is. Fast, called several times a second.
    read:     the rows of a span after a key (None: from its first), in batches of bounded size; closing it ends the query.
              A span may have none, which the plan's filter leaves. No look is asked for before the read has ended.
    passed:   all rows up to a position are at the sink, and the cursor is stored: what the source kept for it may go.
    warning:  what a person should know of now, such as what the source keeps for a stream at a position; None while there is
              nothing. Asked while the sink is away, too; RequestError where the stream is to end for that.
    close:    ends connections.

    All raise RetryableError for a connection that breaks; the next call connects again.
    """

    @property
    def name(self) -> str: ...

    @property
    def settle_s(self) -> float | None: ...

    def check(self) -> None: ...

    def begin(self, start: Start, keep: Keep | None = None) -> Position: ...

    def look(self, position: Position) -> Span | None: ...

    def read(self, span: Span, after: RowKey | None) -> Iterator[Rows]: ...

    def passed(self, position: Position) -> None: ...

    def warning(self, position: Position) -> str | None: ...

    def close(self) -> None: ...


class Mechanism(Protocol):
    """A horizon that was chosen for a dataset, before there is a plan: `new_rows` is its condition in the plan's query, and
    `open` gives the horizon for the whole plan. `reason` says for people why this one, and what it may lose."""

    @property
    def name(self) -> str: ...

    @property
    def reason(self) -> str: ...

    @property
    def settle_s(self) -> float | None: ...

    @property
    def new_rows(self) -> NewRows: ...

    def open(self, plan: Plan, source: Source) -> Horizon: ...
