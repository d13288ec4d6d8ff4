"""One job for each export, and `on_demand_export`, which runs the same ops for one window of any export."""

from typing import Any

import dagster as dg

from export_pipelines.definition import ExportDefinition
from export_pipelines.orchestration import ops
from export_pipelines.orchestration.assets import SOURCE_TAG
from export_pipelines.orchestration.delivery_ops import deliver_window, faults_of
from export_pipelines.orchestration.edges import Edge, Written, gather, wire
from export_pipelines.orchestration.failing import RETRY, failure, interruptible, told
from export_pipelines.orchestration.metadata import materialization_metadata
from export_pipelines.orchestration.names import asset_key
from export_pipelines.orchestration.run_tags import EXPORT_TAG, ON_DEMAND
from export_pipelines.orchestration.workshop import Workshop

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}  # events are stored all the same


def export_job(definition: ExportDefinition, workshop: Workshop) -> Any:
    return dg.define_asset_job(
        definition.name,
        selection=dg.AssetSelection.assets(asset_key(definition)),
        description=definition.description or None,
        tags={SOURCE_TAG: workshop.settings.dialect, EXPORT_TAG: definition.name},
    )


@dg.op(
    name="deliver_everywhere",
    description="Delivers the artifact to every destination of the export",
    retry_policy=RETRY,
)
def deliver_everywhere(
    context: dg.OpExecutionContext, workshop: dg.ResourceParam[Workshop], written: Edge
) -> Edge:
    (one,) = (Written.model_validate(entry) for entry in written)
    with interruptible(context, workshop):
        sent = [deliver_window(context, workshop, one, entry) for entry in range(len(one.deliver))]
    faults = {f"destination {n}": entry.fault for n, entry in enumerate(sent, start=1) if entry.fault}
    if faults:
        raise failure(faults, 1, retry=True)
    return wire(sent)


@dg.op(
    name="record_window",
    description="Records the artifact as an observation of the export, outside its partitions",
)
def record_window(
    context: dg.OpExecutionContext, workshop: dg.ResourceParam[Workshop], written: Edge, delivered: Edge
) -> None:
    with told():
        (done,) = gather(written, [delivered], workshop.store())
        key = asset_key(workshop.definition(done.written.export))
    if faults := faults_of([done]):
        raise failure(faults, 1)
    metadata = materialization_metadata(done, workshop)
    context.log_event(dg.AssetObservation(key, description=f"on demand: {done.key}", metadata=metadata))


def on_demand_job(workshop: Workshop, quiet: bool = False) -> dg.JobDefinition:
    """Its configuration: `export: NAME`, `start: 2024-01-15`, `end: 2024-01-20`."""

    @dg.graph(name=ON_DEMAND, description="One export for any window: {export, start, end}")
    def on_demand() -> None:
        plans = ops.project_fields(ops.filter_rows(ops.extract()))
        written = ops.write(ops.compress(ops.serialize(ops.mask_pii(plans))))
        record_window(written, deliver_everywhere(written))

    return on_demand.to_job(config=_on_demand_config(quiet), tags={SOURCE_TAG: workshop.settings.dialect})


def _on_demand_config(quiet: bool) -> dg.ConfigMapping:
    """Flat for the person who fills it in; it has no room for loggers, so they are added here."""
    loggers = QUIET if quiet else {}
    return dg.ConfigMapping(
        config_schema={
            name: field if name == "filter" else dg.Field(str, description=field.description)
            for name, field in ops.WINDOW.items()
        },
        config_fn=lambda given: {"ops": {"extract": {"config": dict(given)}}, **loggers},
    )
