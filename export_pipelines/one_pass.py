"""Windows that follow one another, written from one pass over the source: each an artifact of its own, as if it ran alone."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice

from export_pipelines import logs
from export_pipelines.artifact_of_run import Input, Rows, RunContext, counts_before, watched, write_artifact
from export_pipelines.artifacts import Manifest, Staging
from export_pipelines.artifacts.contract import require_contract
from export_pipelines.errors import ExportError
from export_pipelines.plan.limits import require_room
from export_pipelines.plan.plan import Plan
from export_pipelines.plan.query.query import Query
from export_pipelines.read.source import Source
from export_pipelines.run.first_rows import FirstRows
from export_pipelines.run.observer import Observer
from export_pipelines.run.threads import KeptThread, kept_threads
from export_pipelines.run.window_cutter import Reading, WindowRows

log = logs.for_machines(__name__)

AHEAD = 2  # windows that are handed to the writer: those that are committed before the caller has noted them
FEW_CELLS = 120_000  # of a window: threads for its stages would cost more than they gain


@dataclass(frozen=True)
class PassWindow:
    """A window of a pass: its `plan`, the `token` of its artifact, who hears of it, who keeps its first rows."""

    plan: Plan
    token: str
    observer: Observer
    first_rows: FirstRows


class PassBroken(Exception):
    """The reading ended, by `cause`, before all rows of a window had come: nothing is known of it, and nothing is left."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(type(cause).__name__)
        self.cause = cause


Result = Manifest | ExportError | PassBroken


def write_in_one_pass(windows: Sequence[PassWindow], query: Query, context: RunContext) -> Iterator[Result]:
    """Writes `windows` in their order from what `query` gives, see `plan.one_pass`. What became of each comes as soon as it has
    ended: its artifact, which is committed, or its own fault, which leaves the others.

    Raises SourceError where the source cannot be asked at all, StoreError where the store cannot be swept, RequestError where
    the columns, which are those of all windows, would break readers of the export's files.
    """
    export = windows[0].plan.export
    context.store.sweep(export)
    require_contract(windows[0].plan, context.store)
    context.source.check(query)
    expected = _counted([window.plan for window in windows], context.source)
    rows = [
        WindowRows(window.plan, 0 if isinstance(count, ExportError) else count)
        for window, count in zip(windows, expected, strict=True)
    ]
    reading = Reading(context.source, query, windows[0].plan.extract.window_field, rows)
    writing = _Writing(context, context.store.latest(export))
    log.debug("pass begun", extra={"export": export, "windows": len(windows)})
    with _threads(reading) as (reader, writer):
        reader.submit(reading.run)
        reading.begun.wait()
        jobs = zip(windows, rows, expected, strict=True)

        def submitted(number: int) -> list[Future[Result]]:
            return [
                writer.submit(writing.write, window, taken, count)
                for window, taken, count in islice(jobs, number)
            ]

        results = deque(submitted(AHEAD))
        while results:
            yield results.popleft().result()
            results.extend(submitted(1))
    log.debug("pass ended", extra={"export": export})


@contextmanager
def _window_of_pass(rows: WindowRows, expected: int, staging: Staging) -> Iterator[Input]:
    """The rows of one window; parts of a killed run of it alone are of no use any more."""
    if journal := staging.journal():
        journal.discard()
    yield Input(rows, expected)


def _counted(plans: Sequence[Plan], source: Source) -> list[int | ExportError]:
    """The rows of each window, or why it cannot be written."""
    if not counts_before(plans[0]):
        return [0] * len(plans)
    counted = list[int | ExportError]()
    while left := plans[len(counted) :]:
        try:
            for plan, rows in zip(left, source.counts([plan.query for plan in left]), strict=True):
                counted.append(_with_room(plan, rows))
        except ExportError as error:
            counted.append(error)
    return counted


def _with_room(plan: Plan, rows: int) -> int | ExportError:
    try:
        require_room(plan, rows)
    except ExportError as error:
        return error
    return rows


@contextmanager
def _threads(reading: Reading) -> Iterator[tuple[KeptThread, KeptThread]]:
    """One that reads and one that writes: the caller's thread only waits, as an interrupt needs. They have ended their work when
    the block ends, however it does."""
    with kept_threads(2) as (reader, writer):
        try:
            yield reader, writer
        finally:
            reading.stop()


@dataclass
class _Writing:
    """Writes one window after the other; `before` is the export's last artifact so far."""

    context: RunContext
    before: Manifest | None

    def write(self, window: PassWindow, rows: WindowRows, expected: int | ExportError) -> Result:
        try:
            self.before = self._artifact(window, rows, expected)
        except Exception as error:
            if error is rows.error:
                return PassBroken(error)
            if isinstance(error, ExportError):
                return error
            raise
        finally:
            rows.leave()
        return self.before

    def _artifact(self, window: PassWindow, rows: WindowRows, expected: int | ExportError) -> Manifest:
        plan = window.plan
        with watched(plan, self.context, window.token, window.observer) as (artifact, observer):
            if isinstance(expected, ExportError):
                raise expected
            few = expected * len(plan.query.columns) <= FEW_CELLS
            taken = Rows(partial(_window_of_pass, rows, expected), window.first_rows, few)
            return write_artifact(plan, taken, self.context, artifact, observer, lambda: self.before)
