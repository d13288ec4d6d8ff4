"""The last box of the graph: one op for each destination, and one that records what came of every window."""

import logging
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import dagster as dg

from export_pipelines import logs
from export_pipelines.orchestration.checks import CHECKS, delivered_check, evaluations, report, unusual
from export_pipelines.orchestration.code_location import EDGE, CodeLocation
from export_pipelines.orchestration.deliver_window import deliver_window
from export_pipelines.orchestration.edges import Delivered, Done, Edge, Fault, Written, gather, wire
from export_pipelines.orchestration.failing import as_dagster_failure, failure, interruptible
from export_pipelines.orchestration.history import History
from export_pipelines.orchestration.metadata import materialization_metadata
from export_pipelines.orchestration.resumed import completed, is_resumed
from export_pipelines.orchestration.retry_policy import MAX_RETRIES, RETRY

log = logging.getLogger(__name__)

NOTHING = dg.Out(dg.Nothing)


class DeliveryOps:
    """Made once for a code location, since Dagster takes no two ops of one name."""

    def __init__(self, location: CodeLocation) -> None:
        self.location = location
        self._to: dict[tuple[int, str], dg.OpDefinition] = {}

    def to(self, number: int, kind: str) -> dg.OpDefinition:
        """The op for the `number`th (from 1) entry of `deliver:`; by itself, so that it is retried by itself.

        It fails when no window could be delivered; when some could, the faults of the others go on as data.
        """
        if (number, kind) not in self._to:
            self._to[number, kind] = self._deliver_to(number, kind)
        return self._to[number, kind]

    def _deliver_to(self, number: int, kind: str) -> dg.OpDefinition:
        location = self.location

        @dg.op(
            name=location.named(f"{kind}_{number}"),
            description=f"Delivers the finished artifacts to destination {number}, a {kind}",
            retry_policy=RETRY,
            ins={"written": dg.In(EDGE)},
            out=location.edge,
        )
        def deliver_one(context: dg.OpExecutionContext, written: Edge) -> Edge:
            entries = [Written.model_validate(item) for item in written]
            due = [entry for entry in entries if entry.artifact and len(entry.deliver) >= number]
            with logs.run(context.run_id), interruptible(context, location.project):
                return wire(_deliver_all(context, location, due, number - 1))

        return deliver_one

    @cached_property
    def record(self) -> dg.OpDefinition:
        location = self.location

        @dg.op(
            name=location.named("record"),
            description="Records one materialization for each window that is written and delivered; names the others",
            ins={"written": dg.In(EDGE), "deliveries": dg.In(dg.List[EDGE])},
            out={"result": dg.Out(io_manager_key=location.artifacts), **dict.fromkeys(CHECKS, NOTHING)},
        )
        def record(context: dg.AssetExecutionContext, written: Edge, deliveries: list[Edge]) -> Iterator[Any]:
            yield from _record(context, location, written, deliveries)

        return record


def _record(
    context: dg.AssetExecutionContext, location: CodeLocation, written: Edge, deliveries: list[Edge]
) -> Iterator[Any]:
    with logs.run(context.run_id):
        if is_resumed(context.run):
            with interruptible(context.op_execution_context, location.project):
                written, deliveries = completed(context, location, written, deliveries)
        yield from _recorded(context, location, written, deliveries)


def _recorded(
    context: dg.AssetExecutionContext, location: CodeLocation, written: Edge, deliveries: list[Edge]
) -> Iterator[Any]:
    project = location.project
    with as_dagster_failure():
        done = gather(written, deliveries, project.store)
        keys = [outcome.key for outcome in done]
        written_now = [outcome.manifest for outcome in done if outcome.manifest]
        history = History.of(project.store, done[0].written.export, keys, written_now)
    asset = context.assets_def.key
    for outcome in done:
        alert = outcome.manifest and unusual(outcome.manifest, history, project.now())
        if alert:
            project.ledger.notice(alert)
    partitioned = context.has_partition_key or context.has_partition_key_range
    complete = [outcome for outcome in done if outcome.whole]
    whole = {
        outcome.key: materialization_metadata(outcome, location, is_newest=outcome is complete[-1])
        for outcome in complete
    }
    yield from evaluations(asset, done, history, partitioned)
    faults = faults_of(done)
    log.debug("windows recorded", extra={"whole": len(whole), "failed": len(faults)})
    if faults:  # Dagster takes no result from a failing op, so the good windows are recorded one by one
        for key, metadata in whole.items():
            yield dg.AssetMaterialization(asset, partition=key if partitioned else None, metadata=metadata)
        raise failure(faults, len(done), may_pass=_may_pass(done))
    for key, metadata in whole.items():
        context.add_asset_metadata(metadata, **({"partition_key": key} if partitioned else {}))
    yield dg.MaterializeResult()


def faults_of(done: list[Done]) -> dict[str, Fault]:
    """The first fault of each window that is not whole."""
    return {outcome.key: outcome.faults[0] for outcome in done if outcome.faults}


def _may_pass(done: list[Done]) -> bool:
    """Whether all that failed was not written, for what may pass; what was not delivered is tried again by itself."""
    failed = [outcome for outcome in done if outcome.faults]
    return all(not outcome.written.artifact and outcome.faults[0].retryable for outcome in failed)


def _tried(context: dg.OpExecutionContext, window: Written, entry: int) -> Delivered | None:
    """What came of it while other windows were written, which is the first try of this op."""
    if context.retry_number or window.delivered_by != context.run_id or entry >= len(window.delivered):
        return None
    return window.delivered[entry]


def _deliver_all(
    context: dg.OpExecutionContext, location: CodeLocation, due: list[Written], entry: int
) -> list[Delivered]:
    resources = location.project.resources
    with resources.sessions:
        sent = [
            _tried(context, window, entry)
            or deliver_window(context, location.project, resources, window, entry)
            for window in due
        ]
    faults = {delivered.key: delivered.fault for delivered in sent if delivered.fault}
    again = context.retry_number < MAX_RETRIES and any(fault.retryable for fault in faults.values())
    if faults and (again or len(faults) == len(sent)):
        if not again:
            _fail_check(context, location, due[0].export, faults)
        raise failure(faults, len(sent), retry=again)
    receipts = {
        delivered.key: delivered.receipt.model_dump(mode="json") for delivered in sent if delivered.receipt
    }
    failed = {key: fault.text for key, fault in faults.items()}
    context.add_output_metadata(
        {
            "receipts": dg.MetadataValue.json(receipts),
            "delivered": len(receipts),
            **({"failed": dg.MetadataValue.json(failed)} if failed else {}),
        }
    )
    return sent


def _fail_check(
    context: dg.OpExecutionContext, location: CodeLocation, export: str, faults: Mapping[str, Fault]
) -> None:
    """A failed op keeps `record` from running, so the check is told here that this destination has nothing."""
    asset = location.asset_key(location.project.definition(export))
    partitioned = context.has_partition_key or context.has_partition_key_range
    for key, fault in faults.items():
        report(context, delivered_check(asset, key, partitioned, fault.text))
