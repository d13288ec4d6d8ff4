"""The last box of the graph: one op for each destination, and one that records what came of every window."""

import functools
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from export_pipelines import logs
from export_pipelines.errors import ExportError
from export_pipelines.orchestration.checks import CHECKS, delivered_check, evaluations, report, unusual
from export_pipelines.orchestration.edges import Delivered, Done, Edge, Fault, Written, gather, wire
from export_pipelines.orchestration.failing import MAX_RETRIES, RETRY, failure, interruptible, told
from export_pipelines.orchestration.metadata import materialization_metadata
from export_pipelines.orchestration.names import asset_key
from export_pipelines.orchestration.workshop import Workshop

log = logging.getLogger(__name__)

NOTHING = dg.Out(dg.Nothing)


@functools.cache  # equal ops must be one object wherever exports share them
def deliver_to(number: int, kind: str) -> dg.OpDefinition:
    """The op for the `number`th (from 1) entry of `deliver:`; by itself, so that it is retried by itself.

    It fails when no window could be delivered; when some could, the faults of the others go on as data.
    """

    @dg.op(
        name=f"{kind}_{number}",
        description=f"Delivers the finished artifacts to destination {number}, a {kind}",
        retry_policy=RETRY,
    )
    def deliver_one(
        context: dg.OpExecutionContext, workshop: dg.ResourceParam[Workshop], written: Edge
    ) -> Edge:
        entries = [Written.model_validate(one) for one in written]
        due = [one for one in entries if one.artifact and len(one.deliver) >= number]
        with logs.run(context.run_id), interruptible(context, workshop):
            return wire(_deliver_all(context, workshop, due, number - 1))

    return deliver_one


@dg.op(
    name="record",
    description="Records one materialization for each window that is written and delivered; names the others",
    out={"result": NOTHING, **dict.fromkeys(CHECKS, NOTHING)},
)
def record(
    context: dg.AssetExecutionContext,
    workshop: dg.ResourceParam[Workshop],
    written: Edge,
    deliveries: list[Edge],
) -> Iterator[Any]:
    with logs.run(context.run_id):
        yield from _recorded(context, workshop, written, deliveries)


def _recorded(
    context: dg.AssetExecutionContext, workshop: Workshop, written: Edge, deliveries: list[Edge]
) -> Iterator[Any]:
    with told():
        done = gather(written, deliveries, workshop.store())
        before = workshop.store().manifests(done[0].written.export)
    asset = context.assets_def.key
    for one in done:
        alert = one.manifest and unusual(one.manifest, before, workshop.now())
        if alert:
            workshop.ledger.notice(alert)
    partitioned = context.has_partition_key or context.has_partition_key_range
    whole = {one.key: materialization_metadata(one, workshop) for one in done if one.whole}
    yield from evaluations(asset, done, before, partitioned)
    faults = faults_of(done)
    log.debug("windows recorded", extra={"whole": len(whole), "failed": len(faults)})
    if faults:  # Dagster takes no result from a failing op, so the good windows are recorded one by one
        for key, metadata in whole.items():
            yield dg.AssetMaterialization(asset, partition=key if partitioned else None, metadata=metadata)
        raise failure(faults, len(done))
    for key, metadata in whole.items():
        context.add_asset_metadata(metadata, **({"partition_key": key} if partitioned else {}))
    yield dg.MaterializeResult()


def faults_of(done: list[Done]) -> dict[str, Fault]:
    """The first fault of each window that is not whole."""
    return {one.key: one.faults[0] for one in done if one.faults}


def _deliver_all(
    context: dg.OpExecutionContext, workshop: Workshop, due: list[Written], entry: int
) -> list[Delivered]:
    sent = [deliver_window(context, workshop, one, entry) for one in due]
    faults = {one.key: one.fault for one in sent if one.fault}
    again = context.retry_number < MAX_RETRIES and any(fault.retryable for fault in faults.values())
    if faults and (again or len(faults) == len(sent)):
        if not again:
            _fail_check(context, workshop, due[0].export, faults)
        raise failure(faults, len(sent), retry=again)
    receipts = {one.key: one.receipt.model_dump(mode="json") for one in sent if one.receipt}
    failed = {key: fault.text for key, fault in faults.items()}
    context.add_output_metadata(
        {
            "receipts": dg.MetadataValue.json(receipts),
            "delivered": len(receipts),
            **({"failed": dg.MetadataValue.json(failed)} if failed else {}),
        }
    )
    return sent


def deliver_window(
    context: dg.OpExecutionContext, workshop: Workshop, written: Written, entry: int
) -> Delivered:
    """Brings one artifact to entry `entry`; doing it twice is harmless. A fault is data."""
    key = written.window.key
    try:
        receipt = workshop.deliver(written.deliver[entry], context.run_id)
    except ExportError as error:
        context.log.error(f"{key}: {error}")
        return Delivered(key=key, fault=Fault.of(error))
    context.log.info(f"{key}: {len(receipt.files)} files delivered to {receipt.target}")
    return Delivered(key=key, receipt=receipt)


def _fail_check(
    context: dg.OpExecutionContext, workshop: Workshop, export: str, faults: Mapping[str, Fault]
) -> None:
    """A failed op keeps `record` from running, so the check is told here that this destination has nothing."""
    asset = asset_key(workshop.definition(export))
    partitioned = context.has_partition_key or context.has_partition_key_range
    for key, fault in faults.items():
        report(context, delivered_check(asset, key, partitioned, fault.text))
