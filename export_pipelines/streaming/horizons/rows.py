"""What horizons share: the rows of a query in bounded batches with their keys, positions that are checked, errors that pass."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from sqlalchemy import literal
from sqlalchemy.types import NullType

from export_pipelines.connecting import is_passing
from export_pipelines.errors import RequestError, RetryableError, SourceError
from export_pipelines.plan.dialects.dialect import Expression
from export_pipelines.plan.query.query import Query
from export_pipelines.read.source import Source
from export_pipelines.streaming.horizon import Position, RowKey, Rows

BATCH_ROWS, BATCH_BYTES = 10_000, 1 << 20
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NETWORK = ("timed out", "timeout", "no route to host", "unreachable", "translate host name", "name resolution", "reset by peer", "lost connection", "gone away", "can't connect")  # fmt: skip
VERSION = 1  # of positions; one of a newer build is refused
START_AGAIN = "start it again from a time of your choice: export-pipelines stream restart NAME --from TIME"


def read_rows(source: Source, query: Query, key: Sequence[str]) -> Iterator[Rows]:
    """The rows of the query, at most BATCH_ROWS at a time; `key` names the columns of their keys."""
    small = query.model_copy(update={"batch_bytes": BATCH_BYTES})
    with retryable(), closing(source.read(small)) as batches:  # type: ignore[type-var]
        for batch in batches:
            for start in range(0, batch.num_rows, BATCH_ROWS):
                rows = batch.slice(start, BATCH_ROWS)
                yield Rows(rows, _last_key(rows, key))


def _last_key(rows: pa.RecordBatch, key: Sequence[str]) -> RowKey:
    return tuple(_text(rows.column(name)[-1]) for name in key)


def _text(value: pa.Scalar) -> str:
    if not pa.types.is_timestamp(value.type) or not value.is_valid:
        return text_of(value.as_py())
    try:
        microseconds = value.cast(pa.timestamp("us", value.type.tz)).value
        return text_of(EPOCH + timedelta(microseconds=microseconds))  # `as_py` would import pandas
    except (pa.ArrowInvalid, OverflowError):  # beyond the calendar: such a row is refused later, by its name
        return "infinity" if value.value > 0 else "-infinity"


def text_of(value: Any) -> str:
    """A value of a key as its database reads it again; of null an empty text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return "" if value is None else str(value)


def value_of_column(value: Any) -> Expression:
    """A value that the database compares as one of the other side's type, whichever that is."""
    return literal(value, NullType())


def position_of(mechanism: str, **parts: Any) -> Position:
    return {"mechanism": mechanism, "version": VERSION, **parts}


def require_own(position: Position, mechanism: str) -> Mapping[str, Any]:
    """The position. Raises RequestError for one of another mechanism, or of a newer build."""
    if position.get("version", 0) > VERSION:
        raise RequestError(
            "the cursor of the stream was written by a newer version of this program",
            remedy="install that version, or a newer one",
        )
    if position.get("mechanism") != mechanism:
        raise RequestError(
            f"the cursor of the stream was written by {position.get('mechanism')}, and rows are told by {mechanism} now",
            remedy=f"take back what changed in the catalog under `stream`, or {START_AGAIN}",
        )
    return position


@contextmanager
def retryable() -> Iterator[None]:
    """A source that cannot be reached for a passing cause is an error that passes, since a stream asks again for ever."""
    try:
        yield
    except SourceError as error:
        if is_passing(error.__cause__) or any(word in str(error.__cause__).lower() for word in NETWORK):
            raise RetryableError(error.what, where=error.where, remedy="it is asked again") from error
        raise
