"""From the settings to everything that Dagster shows and runs."""

import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import dagster as dg

from export_pipelines.definition import ExportDefinition
from export_pipelines.orchestration.absent import Absent, Parts, absent_exports, absent_parts, refused
from export_pipelines.orchestration.alert_sensor import alert_sensor
from export_pipelines.orchestration.assets import Ops, export_asset
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.delivery_retries import deliver_again_job, retry_sensor
from export_pipelines.orchestration.jobs import export_job, on_demand_job
from export_pipelines.orchestration.lineage import table_specs
from export_pipelines.orchestration.lost_runs import lost_runs_sensor
from export_pipelines.orchestration.schedules import export_schedule
from export_pipelines.orchestration.streams import stream_parts
from export_pipelines.orchestration.sweeping import sweep_job, sweep_schedule
from export_pipelines.orchestration.window_retries import retry_windows_sensor
from export_pipelines.project import Project

log = logging.getLogger("export_pipelines")
NOT_LOADED = "ERROR: the export %s cannot be loaded; it stands red in its place, and the others go on:\n%s"
# Dagster warns of a parameter that it gives to its own sensors; a person can do nothing about it.
warnings.filterwarnings(
    "ignore", message="Parameter `owners` of initializer `SensorDefinition", category=dg.BetaWarning
)


class S3Resource(Protocol):
    def process_config_and_initialize(self) -> Any: ...

    def get_client(self) -> Any: ...


def build_definitions(project: Project) -> dg.Definitions:
    """What Dagster has of a project that is a code location by itself; steps run in the process of their run."""
    executor = dg.in_process_executor  # a process for each step costs seconds; runs are what goes in parallel
    return dg.Definitions.merge(build_defs(project), dg.Definitions(executor=executor))


def build_defs(
    project: Project,
    prefix: str = "",
    deps: Mapping[str, Sequence[dg.AssetKey | str]] | None = None,
    s3: S3Resource | None = None,
) -> dg.Definitions:
    """Assets, jobs and schedules of all exports, to be merged into a code location that has others: nothing in it is for
    all, neither an executor nor loggers nor an `io_manager`. Reads YAML only. A broken export is logged and stands as a
    failing asset.

    `prefix` begins every name and key. `deps` are the assets that an export's comes after, by the export's name. `s3` is
    dagster-aws's: its client reaches the buckets of which store and destinations say nothing but the name. Raises
    RequestError for a prefix that cannot begin a name and for an export in `deps` that is not there, CatalogError,
    SettingsError.
    """
    after = {name: [dg.AssetKey.from_coercible(key) for key in keys] for name, keys in (deps or {}).items()}
    if s3:
        project = replace(project, s3_client=lambda: s3.process_config_and_initialize().get_client())
    location = CodeLocation(project, prefix, after)
    for name in after.keys() - project.loaded.broken.keys():
        project.loaded.named(name)
    for absent in absent_exports(location):
        log.error(NOT_LOADED, absent.name, absent.error)
    return definitions_of(location)


def definitions_of(location: CodeLocation, *, quiet: bool = False) -> dg.Definitions:
    """`quiet` keeps the log of `on_demand_export` off the terminal; other jobs take QUIET as run configuration."""
    ops = Ops.of(location)
    results = {
        definition.name: _parts(definition, location, ops)
        for definition in location.project.loaded.definitions
    }
    not_taken = [result for result in results.values() if isinstance(result, Absent)]
    absent = [*absent_exports(location), *not_taken]
    parts = [result for result in results.values() if isinstance(result, Parts)]
    parts += [absent_parts(absent_export, location) for absent_export in absent]
    jobs = [part.job for part in parts if part.job]
    streams = [stream_parts(definition, location) for definition in location.project.loaded.streams]
    shown = [
        definition
        for definition in location.project.loaded.all
        if definition.stream or isinstance(results[definition.name], Parts)
    ]
    again, sweeping = deliver_again_job(location), sweep_job(location)
    by_others = [again.name, sweeping.name, *(job.name for stream in streams for job in stream.jobs)]
    return dg.Definitions(
        assets=[
            *(part.asset for part in parts),
            *(stream.asset for stream in streams),
            *table_specs(shown, location),
        ],
        jobs=[
            *jobs,
            *(job for stream in streams for job in stream.jobs),
            on_demand_job(location, ops.exporting, quiet),
            again,
            sweeping,
        ],
        schedules=[*(part.schedule for part in parts if part.schedule), sweep_schedule(location, sweeping)],
        sensors=[
            retry_sensor(location, again),
            retry_windows_sensor(location, jobs),
            alert_sensor(location, not_taken),
            *(stream.sensor for stream in streams),
            *_cluster_sensors(location, by_others),
        ],
        resources=location.resources,
    )


def _cluster_sensors(location: CodeLocation, not_again: Sequence[str]) -> list[dg.SensorDefinition]:
    """Of a project whose runs go to other machines."""
    return [lost_runs_sensor(location, not_again)] if location.project.settings.broker_url else []


def _parts(definition: ExportDefinition, location: CodeLocation, ops: Ops) -> Parts | Absent:
    """An export that Dagster cannot take, for whatever cause, is absent: no export stops the others."""
    try:
        job = export_job(definition, location)
        asset = export_asset(definition, location, ops)
        return Parts(asset, job, export_schedule(definition, job, location))
    except Exception as error:
        absent = refused(definition, error)
        log.error(NOT_LOADED, absent.name, absent.error)
        return absent
