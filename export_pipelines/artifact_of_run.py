"""A run makes one artifact: the rows of its window, or those that a pass over several windows gives, are written and committed."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Self

from export_pipelines import telemetry
from export_pipelines.artifacts import Manifest, Staging, Store
from export_pipelines.artifacts.contract import require_contract
from export_pipelines.changes_base import Base, comparing
from export_pipelines.errors import RetryableError
from export_pipelines.interrupted_runs import work_of
from export_pipelines.ledger import Ledger, RunLeases
from export_pipelines.manifest_of_run import manifest_of
from export_pipelines.mask.keys import Keys
from export_pipelines.plan.limits import require_room
from export_pipelines.plan.plan import Plan
from export_pipelines.read.source import Source
from export_pipelines.run.first_rows import FirstRows
from export_pipelines.run.lead_marks import is_in_clear, lead_column, lead_marks, marked
from export_pipelines.run.memory import keep_free_memory
from export_pipelines.run.observer import Deaf, Observer, Observers, Run
from export_pipelines.run.run_log import RunLog
from export_pipelines.run.trace import RunTrace
from export_pipelines.run.write_parts import write_parts

if TYPE_CHECKING:
    import pyarrow as pa

    from export_pipelines.run.checkpoints import Checkpoints

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class RunContext:
    """What every run of a project works with: the `source` of rows, the `store` of artifacts, the `keys` of masks, and the
    clock; who hears of the run of each plan, see `lineage/run_events.py`. `require` raises ExportError where no artifact may
    be committed any more."""

    source: Source
    store: Store
    keys: Keys
    now: Clock
    observed: Callable[[Plan], Observer] = lambda _: Deaf()
    require: Callable[[], None] = lambda: None

    def of_run(self, run_id: str | None, ledger: Ledger) -> Self:
        """The same for a run of Dagster's, which commits nothing once it has lost its lease."""
        return replace(self, require=partial(RunLeases(ledger.engine).require, run_id)) if run_id else self


def run_export(
    plan: Plan,
    context: RunContext,
    token: str,
    observer: Observer | None = None,
    first_rows: FirstRows | None = None,
    base: Base | None = None,
) -> Manifest:
    """Executes `plan` in one pass and commits one artifact; on any error none is there, and nothing is left.

    `token` is `YYYYMMDDTHHMMSSZ-<6 hex>`, new for every run; `observer` hears what the run does, as the log does, and
    `first_rows` keeps some of the rows as they were read. A plan of `mode: changes` has a `base`. Debris of the export's killed
    runs is swept first.
    """
    store = context.store
    with watched(plan, context, token, observer) as (artifact, watching):
        store.sweep(plan.export)
        require_contract(plan, store)
        expected = check_run(plan, context.source)
        rows = Rows(partial(_window_alone, plan, context.source, expected), first_rows)
        latest = partial(store.latest, plan.export)
        return write_artifact(plan, rows, context, artifact, watching, latest, base)


@contextmanager
def watched(
    plan: Plan, context: RunContext, token: str, observer: Observer | None
) -> Iterator[tuple[str, Observer]]:
    """The id of the artifact that the block writes, and its observers, which hear of its start and of a failure here."""
    window = plan.extract.window.key
    artifact = f"{plan.export}/{window}/{token}"
    with telemetry.span("run", export=plan.export, window=window, artifact=artifact) as span:
        watching = Observers(RunLog(), RunTrace(span), context.observed(plan), observer or Deaf())
        watching.started(Run(plan.export, window, artifact))
        try:
            yield artifact, watching
        except BaseException as error:
            watching.failed(error)
            raise


@dataclass(frozen=True)
class Input:
    """The rows that one artifact is written from, how many are `expected` at least, where the run's progress is kept."""

    batches: Iterator["pa.RecordBatch"]
    expected: int
    checkpoints: "Checkpoints | None" = None


@dataclass(frozen=True)
class Rows:
    """Where the rows of one artifact come from: `read` gives them for a staging area, `first` keeps some as they were read. If
    they `are_few`, they are written in the thread of the caller, see `write_parts`."""

    read: Callable[[Staging], AbstractContextManager[Input]]
    first: FirstRows | None = None
    are_few: bool = False


@contextmanager
def _window_alone(plan: Plan, source: Source, expected: int, staging: Staging) -> Iterator[Input]:
    """By a query of its own, behind the parts of a killed run; see `interrupted_runs`."""
    with work_of(plan, source, staging, expected) as work:
        yield Input(source.read(work.query), expected if work.rows is None else work.rows, work.checkpoints)


def write_artifact(
    plan: Plan,
    rows: Rows,
    context: RunContext,
    artifact: str,
    observer: Observer,
    before: Callable[[], Manifest | None],
    base: Base | None = None,
) -> Manifest:
    """Writes the rows and commits the artifact; `before` gives the export's artifact before it, when all parts are durable."""
    keep_free_memory()
    store, column = context.store, lead_column(plan)
    with (
        store.begin(*artifact.split("/")) as staging,
        comparing(plan, base, store, staging, context.keys) as compared,
    ):
        with rows.read(staging) as read:  # over before the commit: what ends the reading may still fail
            batches, is_resumed = read.batches, read.checkpoints is not None and read.checkpoints.begun
            if rows.first and not is_resumed:
                batches = rows.first.passed(batches)
            if column and (index := staging.lead_index()):
                batches = marked(batches, column, index.key, index.add)
                if compared and compared.base.manifest and is_in_clear(plan, column):
                    compared.comparison.on_removed = lambda ids: index.add(lead_marks(index.key, ids))
            comparison = compared.comparison if compared else None
            written = write_parts(
                plan,
                batches,
                staging.open_part,
                context.keys,
                observer,
                comparison,
                read.checkpoints,
                rows.are_few,
            )
            _require_all_rows(plan, read.expected, written.rows_read)
        context.require()
        manifest = staging.commit(manifest_of(plan, written, artifact, context.now(), before(), compared))
    observer.finished(written)
    return manifest


def check_run(plan: Plan, source: Source) -> int:
    """The rows that `plan` will read at least; what can be known before the first one.

    Raises SourceError when the source cannot be read, LimitReached or RequestError when there are more rows than allowed.
    """
    source.check(plan.query)
    if not counts_before(plan):
        return 0
    rows = source.count(plan.query)
    require_room(plan, rows)
    return rows


def counts_before(plan: Plan) -> bool:
    """Whether the rows are counted before they are read. Counting a report's groups would be making it: its rows are known, and
    told, before any is written. How many rows stay of those that are asked more afterwards shows in writing them, where the
    limits hold too."""
    return plan.report is None and not plan.query.counts_at_most


def _require_all_rows(plan: Plan, expected: int, written: int) -> None:
    """More rows than counted came in meanwhile; fewer means that the reading broke off or rows went away."""
    if written < expected:
        raise RetryableError(
            f"{expected:,} rows were counted, only {written:,} were read; nothing was kept",
            where=plan.export,
            remedy="rows were deleted during the run, or the source broke off: run it again",
        )
