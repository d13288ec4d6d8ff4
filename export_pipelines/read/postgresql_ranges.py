"""Ranges of the rows of PostgreSQL: where they are cut, and connections that see the same snapshot."""

import logging
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from threading import Lock
from typing import Any

import adbc_driver_manager
import pyarrow as pa

from export_pipelines.connecting import is_passing
from export_pipelines.plan.query.query import RangeKey
from export_pipelines.plan.query.ranges import STEP_ROWS, Cut, Range, joined, ranges_between
from export_pipelines.read.adbc import Session
from export_pipelines.read.in_order import in_order

PIECE_BYTES = 6 * 1024 * 1024  # of one range
PIECES_OF_EACH = 6  # connection at least, so that all of them have work until the end
LEAST_ROWS = 20_000  # fewer are read faster by one connection
log = logging.getLogger(__name__)
Explain = Callable[[str], Mapping[str, Any]]  # the planner's node of an SQL


def cut(
    key: RangeKey,
    bounds: Callable[[], Sequence[str]],
    sql_of: Callable[[Range], str],
    explain: Explain,
) -> Cut:
    """How rows are cut by `key` at `bounds`; the server's planner says whether an index finds them."""
    keys = bounds()
    if (len(keys) + 1) * STEP_ROWS <= LEAST_ROWS:
        return Cut(reason=f"fewer than {LEAST_ROWS:,} rows have a value of {key.field}")
    ranges = tuple(ranges_between(key, list(dict.fromkeys(keys))))
    steps = [rows for rows in ranges if not rows.is_null]
    if len(steps) * STEP_ROWS <= LEAST_ROWS:
        return Cut(reason=f"{key.field} has too few different values")
    if not _finds_by_index(explain(sql_of(steps[len(steps) // 2])), key.column.rpartition(".")[2]):
        return Cut(
            reason=f"no index finds ranges of {key.field}, so each would be searched in the whole table"
        )
    return Cut(ranges)


def _finds_by_index(node: Mapping[str, Any], column: str) -> bool:
    """Whether a plan looks for values of the column in an index. What the planner says of costs does not tell: it takes
    rows that lie beside one another for scattered, where an index has two columns."""
    searched = re.search(rf"(?<!\w){re.escape(column)}(?!\w)", str(node.get("Index Cond", "")))
    return bool(searched) or any(_finds_by_index(inner, column) for inner in node.get("Plans", ()))


class _Ranges:
    """Hands out the ranges of a cut in their order, joined to about PIECE_BYTES of rows."""

    def __init__(self, cut: Cut, readers: int) -> None:
        self._left = deque(cut.ranges)
        self._most_steps = max(1, len(cut.ranges) // (PIECES_OF_EACH * readers))
        self._steps = 1
        self._rows = self._bytes = 0
        self._lock = Lock()

    def measured(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches; they say how many rows fit."""
        with closing(batches):  # type: ignore[type-var]
            for batch in batches:
                with self._lock:
                    self._rows += batch.num_rows
                    self._bytes += batch.nbytes
                yield batch
                del batch

    def next(self) -> Range | None:
        if not self._left:
            return None
        first = last = self._left.popleft()
        if self._bytes:
            steps = PIECE_BYTES * self._rows // self._bytes // STEP_ROWS
            self._steps = min(max(1, steps), self._most_steps)
        for _ in range(self._steps - 1):
            if first.is_null or not self._left or self._left[0].is_null:
                break
            last = self._left.popleft()
        return first if first is last else joined(first, last)


def read_ranges(
    cut: Cut, sessions: Sequence[Session], read: Callable[[Session, Range], Iterator[pa.RecordBatch]]
) -> Iterator[pa.RecordBatch]:
    """The rows of all ranges in their order; each session reads one of them at a time. Raises what `read` raises."""
    ranges = _Ranges(cut, len(sessions))

    def reader(session: Session) -> Callable[[Range], Iterator[pa.RecordBatch]]:
        return lambda rows: ranges.measured(read(session, rows))

    def cancel() -> None:
        for session in sessions:
            session.cancel()

    return in_order([reader(session) for session in sessions], ranges.next, cancel, PIECE_BYTES)


@contextmanager
def sessions_of(opened: Callable[[], AbstractContextManager[Session]], most: int) -> Iterator[list[Session]]:
    """At most as many sessions; fewer where the server has no room for more, but one. Raises adbc_driver_manager.Error."""
    with ExitStack() as stack:
        sessions = [stack.enter_context(opened())]
        while len(sessions) < most:
            try:
                sessions.append(stack.enter_context(opened()))
            except adbc_driver_manager.Error as error:
                if not is_passing(error):
                    raise
                log.info("fewer connections than allowed", extra={"connections": len(sessions)})
                break
        yield sessions
