"""What did not arrive at once: a job that tries deliveries again, and the sensor that asks for it when their time has come."""

import logging
from collections.abc import Iterator, Sequence
from itertools import groupby

import dagster as dg

from export_pipelines import logs
from export_pipelines.errors import ExportError
from export_pipelines.ledger import Delivery
from export_pipelines.orchestration.checks import delivered_check, report
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.dagster_partitions import partitions_of
from export_pipelines.orchestration.edges import Done, Fault, Written
from export_pipelines.orchestration.failing import as_dagster_failure, failure, interruptible
from export_pipelines.orchestration.metadata import materialization_metadata
from export_pipelines.orchestration.run_tags import ASKED_BY
from export_pipelines.pipeline import deliver

log = logging.getLogger(__name__)

DELIVER_AGAIN, SEND = "deliver_again", "send"
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


def _send(context: dg.OpExecutionContext, location: CodeLocation) -> None:
    project, ids = location.project, context.op_config["deliveries"]
    log.info("retry started", extra={"deliveries": len(ids)})
    faults: dict[str, Fault] = {}
    artifacts: dict[str, None] = {}
    for id in ids:
        with as_dagster_failure():
            delivery = project.ledger.delivery(id)
        artifacts[delivery.artifact] = None
        try:
            with interruptible(context, project):
                again = context.op_config["again"]
                receipt = deliver(
                    id,
                    project.ledger,
                    project.resources,
                    project.now,
                    context.run_id,
                    again,
                    project.require_deliverable,
                    context.run.tags.get(ASKED_BY),
                )
            context.log.info(f"{delivery.artifact}: {len(receipt.files)} files delivered to {receipt.target}")
        except ExportError as error:
            context.log.error(f"{delivery.artifact}: {error}")
            faults[f"{delivery.artifact} to {delivery.number}"] = Fault.of(error)
    with as_dagster_failure():
        for artifact in artifacts:
            _record(context, location, artifact)
    log.info("retry finished", extra={"deliveries": len(ids), "failed": len(faults)})
    if faults:
        raise failure(faults, len(ids))


def deliver_again_job(location: CodeLocation) -> dg.JobDefinition:
    @dg.op(
        name=location.named(SEND),
        description="One attempt at each delivery; an artifact that has then arrived everywhere is recorded as materialized",
        config_schema=CONFIG,
        out=dg.Out(dg.Nothing),
    )
    def send(context: dg.OpExecutionContext) -> None:
        with logs.run(context.run_id):
            _send(context, location)

    @dg.graph(
        name=location.named(DELIVER_AGAIN),
        description="Tries deliveries again; a sensor asks for it, a person may",
    )
    def deliver_again() -> None:
        send.alias(SEND)()

    return deliver_again.to_job(executor_def=dg.in_process_executor)


def retry_sensor(location: CodeLocation, job: dg.JobDefinition) -> dg.SensorDefinition:
    """Asks for another attempt at what is due, one run an export, as long as the ledger keeps trying."""

    def retry_deliveries(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        instance = context.instance
        waiting = location.project.ledger.waiting(
            location.project.now(), lambda run_id: _is_over(instance, run_id)
        )
        by_export = sorted(waiting, key=lambda delivery: delivery.export)
        asked: list[dg.RunRequest | dg.SkipReason] = [
            _request(location.named(export), list(due))
            for export, due in groupby(by_export, key=lambda delivery: delivery.export)
            if not _is_going_on(instance, location.named(export))
        ]
        log.log(logging.INFO if asked else logging.DEBUG, "deliveries to retry", extra={"runs": len(asked)})
        yield from asked or [dg.SkipReason("no delivery is waiting")]

    return dg.SensorDefinition(
        name=location.named("retry_deliveries"),
        evaluation_fn=retry_deliveries,
        job=job,
        minimum_interval_seconds=EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tries deliveries again that failed for a passing reason, or whose run died, for 24 hours",
    )


def _request(tag: str, due: Sequence[Delivery]) -> dg.RunRequest:
    return dg.RunRequest(run_config=send_config([delivery.id for delivery in due]), tags={RETRY_TAG: tag})


def _is_going_on(instance: dg.DagsterInstance, tag: str) -> bool:
    return bool(instance.get_runs(dg.RunsFilter(tags={RETRY_TAG: tag}, statuses=UNFINISHED), limit=1))


def send_config(ids: Sequence[str], again: bool = False) -> dict[str, object]:
    return {"ops": {SEND: {"config": {"deliveries": list(ids), "again": again}}}}


def _is_over(instance: dg.DagsterInstance, run_id: str) -> bool:
    run = instance.get_run_by_id(run_id)
    return run is None or run.is_finished


def _record(context: dg.OpExecutionContext, location: CodeLocation, artifact: str) -> None:
    """The check `delivered`, and the materialization that the run before could not record."""
    deliveries = location.project.ledger.deliveries(artifact=artifact)
    definition = location.project.definition(deliveries[0].export)
    manifest = location.project.store.manifest(artifact)
    key, asset = manifest.window.key, location.asset_key(definition)
    open_ones = [delivery for delivery in deliveries if delivery.state != "delivered"]
    partitions = partitions_of(definition)
    partitioned = partitions is not None and partitions.has_partition_key(key)
    if not open_ones:
        receipts = tuple(delivery.receipt for delivery in deliveries if delivery.receipt)
        written = Written(export=definition.name, window=manifest.window, artifact=artifact)
        metadata = materialization_metadata(Done(written, manifest, receipts, ()), location)
        partition = key if partitioned else None
        context.instance.report_runless_asset_event(
            dg.AssetMaterialization(asset, partition=partition, metadata=metadata)
        )
    fault = open_ones[0].error or open_ones[0].state if open_ones else None
    report(context, delivered_check(asset, key, partitioned, fault))
