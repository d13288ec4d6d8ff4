"""What did not arrive at once: a job that tries deliveries again, and the sensor that asks for it when their time has come."""

import logging
from collections.abc import Iterator, Sequence
from itertools import groupby

import dagster as dg

from export_pipelines import logs
from export_pipelines.errors import ExportError
from export_pipelines.ledger import Delivery
from export_pipelines.orchestration.checks import delivered_check, report
from export_pipelines.orchestration.edges import Done, Fault, Written
from export_pipelines.orchestration.failing import failure, interruptible, told
from export_pipelines.orchestration.metadata import materialization_metadata
from export_pipelines.orchestration.names import asset_key
from export_pipelines.orchestration.partitions import partitions_of
from export_pipelines.orchestration.workshop import Workshop

log = logging.getLogger(__name__)

DELIVER_AGAIN = "deliver_again"
RETRY_TAG = "export/retries_of"  # of a run that the sensor asked for: one an export at a time
EVERY_S = 30
UNFINISHED = [
    status
    for status in dg.DagsterRunStatus
    if status not in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
]
CONFIG = {
    "deliveries": dg.Field([str], description="as `export-pipelines deliveries --json` names them"),
    "again": dg.Field(bool, default_value=False, description="send also what arrived already"),
}


@dg.op(
    name="send",
    description="One attempt at each delivery; an artifact that has then arrived everywhere is recorded as materialized",
    config_schema=CONFIG,
)
def send(context: dg.OpExecutionContext, workshop: dg.ResourceParam[Workshop]) -> None:
    with logs.run(context.run_id):
        _send(context, workshop)


def _send(context: dg.OpExecutionContext, workshop: Workshop) -> None:
    ids = context.op_config["deliveries"]
    log.info("retry started", extra={"deliveries": len(ids)})
    faults: dict[str, Fault] = {}
    artifacts: dict[str, None] = {}
    for id in ids:
        with told():
            one = workshop.ledger.delivery(id)
        artifacts[one.artifact] = None
        try:
            with interruptible(context, workshop):
                receipt = workshop.deliver(id, context.run_id, context.op_config["again"])
            context.log.info(f"{one.artifact}: {len(receipt.files)} files delivered to {receipt.target}")
        except ExportError as error:
            context.log.error(f"{one.artifact}: {error}")
            faults[f"{one.artifact} to {one.number}"] = Fault.of(error)
    with told():
        for artifact in artifacts:
            _record(context, workshop, artifact)
    log.info("retry finished", extra={"deliveries": len(ids), "failed": len(faults)})
    if faults:
        raise failure(faults, len(ids))


def deliver_again_job(workshop: Workshop) -> dg.JobDefinition:
    @dg.graph(name=DELIVER_AGAIN, description="Tries deliveries again; a sensor asks for it, a person may")
    def deliver_again() -> None:
        send()

    return deliver_again.to_job()


def retry_sensor(workshop: Workshop, job: dg.JobDefinition) -> dg.SensorDefinition:
    """Asks for another attempt at what is due, one run an export, as long as the ledger keeps trying."""

    def retry_deliveries(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        instance = context.instance
        waiting = workshop.ledger.waiting(workshop.now(), lambda run_id: _is_over(instance, run_id))
        by_export = sorted(waiting, key=lambda one: one.export)
        asked: list[dg.RunRequest | dg.SkipReason] = [
            _request(export, list(due))
            for export, due in groupby(by_export, key=lambda one: one.export)
            if not instance.get_runs(dg.RunsFilter(tags={RETRY_TAG: export}, statuses=UNFINISHED), limit=1)
        ]
        log.log(logging.INFO if asked else logging.DEBUG, "deliveries to retry", extra={"runs": len(asked)})
        yield from asked or [dg.SkipReason("no delivery is waiting")]

    return dg.SensorDefinition(
        name="retry_deliveries",
        evaluation_fn=retry_deliveries,
        job=job,
        minimum_interval_seconds=EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tries deliveries again that failed for a passing reason, or whose run died, for 24 hours",
    )


def _request(export: str, due: Sequence[Delivery]) -> dg.RunRequest:
    return dg.RunRequest(run_config=send_config([one.id for one in due]), tags={RETRY_TAG: export})


def send_config(ids: Sequence[str], again: bool = False) -> dict[str, object]:
    return {"ops": {"send": {"config": {"deliveries": list(ids), "again": again}}}}


def _is_over(instance: dg.DagsterInstance, run_id: str) -> bool:
    run = instance.get_run_by_id(run_id)
    return run is None or run.is_finished


def _record(context: dg.OpExecutionContext, workshop: Workshop, artifact: str) -> None:
    """The check `delivered`, and the materialization that the run before could not record."""
    deliveries = workshop.ledger.deliveries(artifact=artifact)
    definition = workshop.definition(deliveries[0].export)
    manifest = workshop.store().manifest(artifact)
    key, asset = manifest.window.key, asset_key(definition)
    open_ones = [one for one in deliveries if one.state != "delivered"]
    partitions = partitions_of(definition)
    partitioned = partitions is not None and partitions.has_partition_key(key)
    if not open_ones:
        receipts = tuple(one.receipt for one in deliveries if one.receipt)
        written = Written(export=definition.name, window=manifest.window, artifact=artifact)
        metadata = materialization_metadata(Done(written, manifest, receipts, ()), workshop)
        partition = key if partitioned else None
        context.instance.report_runless_asset_event(
            dg.AssetMaterialization(asset, partition=partition, metadata=metadata)
        )
    fault = open_ones[0].error or open_ones[0].state if open_ones else None
    report(context, delivered_check(asset, key, partitioned, fault))
