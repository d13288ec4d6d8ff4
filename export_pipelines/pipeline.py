"""The whole way in short functions: a plan becomes an artifact, an artifact is delivered; and both at once."""

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from export_pipelines import logs, telemetry
from export_pipelines.artifact_of_run import Clock, RunContext, run_export
from export_pipelines.artifacts import Manifest
from export_pipelines.audit.records import delivery_record, failed_run, owner_of, run_record
from export_pipelines.audit.trail import AuditTrail
from export_pipelines.changes_base import base_of
from export_pipelines.definition.delivery import read_entry
from export_pipelines.definition.destinations import DestinationSettings, StoredEntry
from export_pipelines.delivery import Artifact, Receipt, Resources, discard_encrypted, open_destination
from export_pipelines.delivery.destination import RECIPES
from export_pipelines.delivery.recipes import with_recipes
from export_pipelines.errors import BaseReplaced, ExportError, LostRun
from export_pipelines.ledger import Delivery, Ledger
from export_pipelines.ledger.silence import LedgerSilent
from export_pipelines.mask.keys import Keys
from export_pipelines.plan.plan import Plan
from export_pipelines.read.source import Source
from export_pipelines.run.first_rows import FirstRows
from export_pipelines.run.observer import Observer
from export_pipelines.run.preview import first_rows
from export_pipelines.signed_links import delivered_link

if TYPE_CHECKING:
    import polars as pl

log = logs.for_machines(__name__)

SILENCES_S = (1, 2, 4, 8, 15)  # for which a ledger is waited for that has no record of an artifact yet
Requirement = Callable[[Manifest, DestinationSettings], None]


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
    full: bool = False,
) -> Outcome:
    """Writes the window of `plan` and brings it to every destination; see `write_window` and `deliver`. Raises ExportError
    where nothing was written."""
    manifest, due = write_window(plan, context, ledger, token, observer, actor, full=full)
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
    full: bool = False,
) -> tuple[Manifest, tuple[Delivery, ...]]:
    """Executes `plan`, see `run_export`, and registers the artifact with its deliveries; gives both. The audit says that
    `actor`, or else the system's user, had it run, and how that ended. In `mode: changes`, `full` asks for a full set."""
    try:
        base = base_of(plan, context.store, ledger, full) if plan.changes else None
        manifest = run_export(plan, context.of_run(run_id, ledger), token, observer, first_rows, base)
    except ExportError as error:
        record_failure(plan, error, context, ledger, actor)
        raise
    return manifest, register(plan, manifest, context, ledger, actor, run_id)


def register(
    plan: Plan, manifest: Manifest, context: RunContext, ledger: Ledger, actor: str | None, run_id: str | None
) -> tuple[Delivery, ...]:
    """Records the artifact of `plan` in ledger and audit; gives its deliveries. A ledger that is away is waited for: without a
    record the window would be written again."""
    entries = destinations_of(plan, manifest)
    skipped = plan.output.deliver if manifest.changes and not entries else ()
    record, overridden = run_record(manifest, actor, plan.owner), not plan.is_usual
    pauses = iter(SILENCES_S)
    while True:
        try:
            return ledger.register(manifest, entries, run_id, context.now(), overridden, record, skipped)
        except LedgerSilent:
            if (pause := next(pauses, None)) is None:
                raise
            time.sleep(pause)
        except (
            LostRun,
            BaseReplaced,
        ) as error:  # between the commit and here; another run writes the window again
            context.store.remove(manifest.artifact)
            record_failure(plan, error, context, ledger, actor)
            raise


def record_failure(
    plan: Plan, error: ExportError, context: RunContext, ledger: Ledger, actor: str | None
) -> None:
    """Records in the audit that the run of `plan` was refused, or failed."""
    trail = AuditTrail(lambda: ledger, context.now)
    trail.refused(error, actor, "run", f"{plan.export}/{plan.extract.window.key}", plan.owner)
    trail.record(failed_run(plan, actor, error))


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
                    artifact = Artifact(manifest.as_delivered(), store, now(), resources.require_time)
                    artifact = with_recipes(artifact, store, destination, attempt)
                    attempt.receipt = destination.send(artifact, attempt)
                    if manifest.recipes:
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


def destinations_of(plan: Plan, manifest: Manifest) -> tuple[StoredEntry, ...]:
    """The entries to deliver to; none for an artifact without rows when the export says `skip_empty`, unless it says that a
    set of rows is empty now."""
    is_new_set = manifest.changes is not None and manifest.changes.since is None
    skipped = plan.output.skip_empty and manifest.rows == 0 and not is_new_set
    return () if skipped else plan.output.deliver
