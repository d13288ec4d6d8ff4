"""The whole way in short functions: a plan becomes an artifact, an artifact is delivered; and both at once."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Self

from export_pipelines import logs, telemetry
from export_pipelines.artifacts import Manifest, Staging, Store
from export_pipelines.artifacts.contract import require_contract
from export_pipelines.audit.records import delivery_record, failed_run, owner_of, run_record
from export_pipelines.audit.trail import AuditTrail
from export_pipelines.changes_base import Base, base_of, comparing
from export_pipelines.definition.delivery import read_entry
from export_pipelines.definition.destinations import DestinationSettings, StoredEntry
from export_pipelines.delivery import Artifact, Receipt, Resources, discard_encrypted, open_destination
from export_pipelines.delivery.recipes import RECIPES, with_recipes
from export_pipelines.errors import BaseReplaced, ExportError, LostRun, RetryableError
from export_pipelines.interrupted_runs import work_of
from export_pipelines.ledger import Delivery, Ledger, RunLeases
from export_pipelines.manifest_of_run import manifest_of
from export_pipelines.mask.keys import Keys
from export_pipelines.plan.limits import require_room
from export_pipelines.plan.plan import Plan
from export_pipelines.read.source import Source
from export_pipelines.run.first_rows import FirstRows
from export_pipelines.run.lead_marks import is_in_clear, lead_column, lead_marks, marked
from export_pipelines.run.observer import Deaf, Observer, Observers, Run
from export_pipelines.run.preview import first_rows
from export_pipelines.run.run_log import RunLog
from export_pipelines.run.trace import RunTrace
from export_pipelines.run.write_parts import write_parts
from export_pipelines.signed_links import delivered_link

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from export_pipelines.run.checkpoints import Checkpoints

log = logs.for_machines(__name__)

Clock = Callable[[], datetime]
Requirement = Callable[[Manifest, DestinationSettings], None]


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


@dataclass(frozen=True)
class Outcome:
    """What came of one window: an artifact, a receipt from each destination that has it, the error of each that has not,
    by its number from 1. What may succeed later is tried again by Dagster's sensor, or by `export-pipelines deliver`."""

    manifest: Manifest
    receipts: tuple[Receipt, ...]
    failures: Mapping[int, ExportError]

    @property
    def ok(self) -> bool:
        return not self.failures


def preview_window(plan: Plan, source: Source, keys: Keys, rows: int) -> "pl.DataFrame":
    """The first `rows` rows as a run would write them, in columns named by header; nothing is written.

    Raises SourceError.
    """
    source.check(plan.query)
    with closing(source.read(plan.query)) as batches:  # type: ignore[type-var]
        plan, frame = first_rows(plan, batches, keys, rows)
    return frame.rename({column.id: column.header for column in plan.masking.columns})


def run_window(
    plan: Plan,
    context: RunContext,
    ledger: Ledger,
    resources: Resources,
    token: str,
    observer: Observer | None = None,
    require: Requirement | None = None,
    actor: str | None = None,
) -> Outcome:
    """Writes the window of `plan` and brings it to every destination; see `write_window` and `deliver`. Raises ExportError
    where nothing was written."""
    manifest, due = write_window(plan, context, ledger, token, observer, actor)
    now = context.now
    receipts, failures = [], {}
    for number, delivery in enumerate(due, start=1):
        try:
            receipts.append(deliver(delivery.id, ledger, resources, now, require=require, actor=actor))
        except ExportError as error:
            failures[number] = error
    return Outcome(manifest, tuple(receipts), failures)


def write_window(
    plan: Plan,
    context: RunContext,
    ledger: Ledger,
    token: str,
    observer: Observer | None = None,
    actor: str | None = None,
    run_id: str | None = None,
    first_rows: FirstRows | None = None,
) -> tuple[Manifest, tuple[Delivery, ...]]:
    """Executes `plan`, see `run_export`, and registers the artifact with its deliveries; gives both. The audit says that
    `actor`, or else the system's user, had it run, and how that ended."""
    try:
        base = base_of(plan, context.store, ledger) if plan.changes else None
        manifest = run_export(plan, context.of_run(run_id, ledger), token, observer, first_rows, base)
    except ExportError as error:
        record_failure(plan, error, context, ledger, actor)
        raise
    return manifest, register(plan, manifest, context, ledger, actor, run_id)


def register(
    plan: Plan, manifest: Manifest, context: RunContext, ledger: Ledger, actor: str | None, run_id: str | None
) -> tuple[Delivery, ...]:
    """Records the artifact of `plan` in ledger and audit; gives its deliveries."""
    entries = destinations_of(plan, manifest)
    record = run_record(manifest, actor, plan.owner)
    try:
        return ledger.register(manifest, entries, run_id, context.now(), not plan.is_usual, record)
    except (LostRun, BaseReplaced):  # between the commit and here; another run writes the window again
        context.store.remove(manifest.artifact)
        raise


def record_failure(
    plan: Plan, error: ExportError, context: RunContext, ledger: Ledger, actor: str | None
) -> None:
    """Records in the audit that the run of `plan` was refused, or failed."""
    trail = AuditTrail(lambda: ledger, context.now)
    trail.refused(error, actor, "run", f"{plan.export}/{plan.extract.window.key}", plan.owner)
    trail.record(failed_run(plan, actor, error))


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
    store, column = context.store, lead_column(plan)
    with (
        store.begin(*artifact.split("/")) as staging,
        comparing(plan, base, store, staging, context.keys) as compared,
        rows.read(staging) as read,
    ):
        batches = rows.first.passed(read.batches) if rows.first else read.batches
        if column and (index := staging.lead_index()):
            batches = marked(batches, column, index.key, index.add)
            if compared and compared.base.manifest and is_in_clear(plan, column):
                compared.comparison.on_removed = lambda ids: index.add(lead_marks(index.key, ids))
        written = write_parts(
            plan,
            batches,
            staging.open_part,
            context.keys,
            observer,
            compared.comparison if compared else None,
            read.checkpoints,
            rows.are_few,
        )
        _require_all_rows(plan, read.expected, written.rows_read)
        context.require()
        manifest = staging.commit(manifest_of(plan, written, artifact, context.now(), before(), compared))
    observer.finished(written)
    return manifest


def deliver(
    delivery: str,
    ledger: Ledger,
    resources: Resources,
    now: Clock,
    run_id: str | None = None,
    again: bool = False,
    require: Requirement | None = None,
    actor: str | None = None,
) -> Receipt:
    """One attempt at a delivery that `ledger.register` gave; may be called at will, what arrived is not sent twice.

    `again` sends it all the same; `require` raises ExportError for what may not be sent; the audit says that `actor`, or
    else the system's user, had it sent. Every error is in the ledger before it is raised.
    """
    log.info("delivery started", extra={"delivery": delivery})
    try:
        with (
            telemetry.span("deliver", delivery=delivery) as span,
            ledger.claim(delivery, now, run_id, again) as attempt,
        ):
            span.set(**_identity(attempt.delivery))
            if attempt.receipt is None:
                row, store = attempt.delivery, resources.open_store()
                settings, manifest = read_entry(row.entry), store.manifest(row.artifact)
                if require:
                    require(manifest, settings)
                attempt.audit = delivery_record(row, manifest, actor)
                link_to = partial(delivered_link, ledger, resources.settings, now, again)
                destination = open_destination(settings, replace(resources, link_to=link_to))
                attempt.heading_for(destination.target(manifest))
                with AuditTrail(lambda: ledger, now).refusals(
                    actor, "deliver", row.artifact, owner_of(manifest)
                ):
                    artifact = Artifact(manifest.as_delivered(), store, now())
                    artifact = with_recipes(artifact, store, destination, attempt)
                    attempt.receipt = destination.send(artifact, attempt)
                    attempt.not_taken(RECIPES)  # needed no longer
            receipt = attempt.receipt
            span.set(files=len(receipt.files), bytes=receipt.bytes)
    except BaseException as error:
        if isinstance(error, ExportError) and not error.retryable:
            discard_encrypted(resources.settings.home, delivery)
        log.error("delivery failed", extra={"delivery": delivery, **logs.failure(error)})
        raise
    discard_encrypted(resources.settings.home, delivery)  # the ledger has the receipt by now
    sent = {"artifact": receipt.artifact, "kind": receipt.kind, "files": len(receipt.files)}
    log.info("delivery finished", extra={"delivery": delivery, **sent, "bytes": receipt.bytes})
    return receipt


def _identity(delivery: Delivery) -> dict[str, str | int]:
    """For a trace: without the target, which may be a person's address."""
    named = {"export": delivery.export, "window": delivery.window_key, "artifact": delivery.artifact}
    return {**named, "kind": delivery.kind, "destination": delivery.number, "attempt": delivery.attempts}


def check_run(plan: Plan, source: Source) -> int:
    """The rows that `plan` will read at least; what can be known before the first one.

    Raises SourceError when the source cannot be read, LimitReached or RequestError when there are more rows than allowed.
    """
    source.check(plan.query)
    return count_rows(plan, source)


def count_rows(plan: Plan, source: Source) -> int:
    """The same of a source that was checked before."""
    # Counting a report's groups would be making it: its rows are known, and told, before any is written. How many rows
    # stay of those that are asked more afterwards shows in writing them, where the limits hold too.
    if plan.report is not None or plan.query.counts_at_most:
        return 0
    rows = source.count(plan.query)
    require_room(plan, rows)
    return rows


def destinations_of(plan: Plan, manifest: Manifest) -> tuple[StoredEntry, ...]:
    """The entries to deliver to; none for an artifact without rows when the export says `skip_empty`, unless it says that a
    set of rows is empty now."""
    is_new_set = manifest.changes is not None and manifest.changes.since is None
    skipped = plan.output.skip_empty and manifest.rows == 0 and not is_new_set
    return () if skipped else plan.output.deliver


def _require_all_rows(plan: Plan, expected: int, written: int) -> None:
    """More rows than counted came in meanwhile; fewer means that the reading broke off or rows went away."""
    if written < expected:
        raise RetryableError(
            f"{expected:,} rows were counted, only {written:,} were read; nothing was kept",
            where=plan.export,
            remedy="rows were deleted during the run, or the source broke off: run it again",
        )
