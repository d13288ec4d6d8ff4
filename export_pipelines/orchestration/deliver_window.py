"""One window's artifact goes to one destination."""

import dagster as dg

from export_pipelines.delivery import Resources
from export_pipelines.errors import ExportError
from export_pipelines.orchestration.edges import Delivered, Fault, Written
from export_pipelines.orchestration.run_tags import ASKED_BY
from export_pipelines.pipeline import deliver
from export_pipelines.project import Project


def deliver_window(
    context: dg.OpExecutionContext | dg.AssetExecutionContext,
    project: Project,
    resources: Resources,
    written: Written,
    entry: int,
) -> Delivered:
    """Brings one artifact to entry `entry`; doing it twice is harmless. A fault is data."""
    key = written.window.key
    try:
        receipt = deliver(
            written.deliver[entry],
            project.ledger,
            resources,
            project.now,
            context.run_id,
            require=project.require_deliverable,
            actor=context.run.tags.get(ASKED_BY),
        )
    except ExportError as error:
        context.log.error(f"{key}: {error}")
        return Delivered(key=key, fault=Fault.of(error))
    context.log.info(f"{key}: {len(receipt.files)} files delivered to {receipt.target}")
    return Delivered(key=key, receipt=receipt)
