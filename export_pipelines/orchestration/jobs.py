"""One job for each export, and `on_demand_export`, which runs the same ops for one window of any export."""

from typing import Any

import dagster as dg

from export_pipelines.definition import ExportDefinition
from export_pipelines.orchestration import op_bodies
from export_pipelines.orchestration.assets import SOURCE_TAG
from export_pipelines.orchestration.code_location import EDGE, CodeLocation
from export_pipelines.orchestration.deliver_window import deliver_window
from export_pipelines.orchestration.delivery_ops import faults_of
from export_pipelines.orchestration.edges import Edge, Written, gather, wire
from export_pipelines.orchestration.failing import as_dagster_failure, failure, interruptible
from export_pipelines.orchestration.metadata import materialization_metadata
from export_pipelines.orchestration.op_definitions import ExportOps
from export_pipelines.orchestration.retry_policy import RETRY
from export_pipelines.orchestration.run_tags import EXPORT_TAG, ON_DEMAND

DELIVER, RECORD = "deliver_everywhere", "record_window"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}  # events are stored all the same


def export_job(definition: ExportDefinition, location: CodeLocation) -> Any:
    return dg.define_asset_job(
        location.job_name(definition),
        selection=dg.AssetSelection.assets(location.asset_key(definition)),
        description=definition.description or None,
        tags={SOURCE_TAG: location.project.settings.dialect, EXPORT_TAG: location.job_name(definition)},
        executor_def=dg.in_process_executor,
    )


def on_demand_job(location: CodeLocation, exporting: ExportOps, quiet: bool = False) -> dg.JobDefinition:
    """Its configuration: `export: NAME`, `start: 2024-01-15`, `end: 2024-01-20`."""
    deliver, record = _deliver_everywhere(location), _record_window(location)

    @dg.graph(name=location.named(ON_DEMAND), description="One export for any window: {export, start, end}")
    def on_demand() -> None:
        written = exporting.write()
        record.alias(RECORD)(written, deliver.alias(DELIVER)(written))

    return on_demand.to_job(
        config=_on_demand_config(quiet),
        tags={SOURCE_TAG: location.project.settings.dialect},
        executor_def=dg.in_process_executor,
    )


def _deliver_everywhere(location: CodeLocation) -> dg.OpDefinition:
    @dg.op(
        name=location.named(DELIVER),
        description="Delivers the artifact to every destination of the export",
        retry_policy=RETRY,
        ins={"written": dg.In(EDGE)},
        out=location.edge,
    )
    def deliver_everywhere(context: dg.OpExecutionContext, written: Edge) -> Edge:
        (window,) = (Written.model_validate(entry) for entry in written)
        project = location.project
        with interruptible(context, project):
            sent = [
                deliver_window(context, project, project.resources, window, entry)
                for entry in range(len(window.deliver))
            ]
        faults = {f"destination {n}": entry.fault for n, entry in enumerate(sent, start=1) if entry.fault}
        if faults:
            raise failure(faults, 1, retry=True)
        return wire(sent)

    return deliver_everywhere


def _record_window(location: CodeLocation) -> dg.OpDefinition:
    @dg.op(
        name=location.named(RECORD),
        description="Records the artifact as an observation of the export, outside its partitions",
        ins={"written": dg.In(EDGE), "delivered": dg.In(EDGE)},
        out=dg.Out(dg.Nothing),
    )
    def record_window(context: dg.OpExecutionContext, written: Edge, delivered: Edge) -> None:
        project = location.project
        with as_dagster_failure():
            (done,) = gather(written, [delivered], project.store)
            key = location.asset_key(project.definition(done.written.export))
        if faults := faults_of([done]):
            raise failure(faults, 1)
        metadata = materialization_metadata(done, location)
        context.log_event(dg.AssetObservation(key, description=f"on demand: {done.key}", metadata=metadata))

    return record_window


def _on_demand_config(quiet: bool) -> dg.ConfigMapping:
    """Flat for the person who fills it in; it has no room for loggers, so they are added here."""
    loggers = QUIET if quiet else {}
    return dg.ConfigMapping(
        config_schema={
            name: field if name == "filter" else dg.Field(str, description=field.description)
            for name, field in op_bodies.WINDOW.items()
        },
        config_fn=lambda config: {"ops": {"extract": {"config": dict(config)}}, **loggers},
    )
