"""From the settings to everything that Dagster shows and runs."""

import logging
import warnings
from typing import Any, NamedTuple

import dagster as dg

from export_pipelines.definition import ExportDefinition
from export_pipelines.errors import DefinitionError
from export_pipelines.orchestration.alerts import alert_sensor
from export_pipelines.orchestration.assets import broken_asset, export_asset
from export_pipelines.orchestration.jobs import export_job, on_demand_job
from export_pipelines.orchestration.redelivery import deliver_again_job, retry_sensor
from export_pipelines.orchestration.retrying import retry_windows_sensor
from export_pipelines.orchestration.schedules import export_schedule
from export_pipelines.orchestration.sweeping import sweep_job, sweep_schedule
from export_pipelines.orchestration.workshop import Workshop, open_workshop
from export_pipelines.settings import Settings

log = logging.getLogger("export_pipelines")
# Dagster warns of a parameter that it gives to its own sensors; a person can do nothing about it.
warnings.filterwarnings(
    "ignore", message="Parameter `owners` of initializer `SensorDefinition", category=dg.BetaWarning
)


def build_definitions(settings: Settings) -> dg.Definitions:
    """Assets, jobs and schedules of all exports; reads YAML only. A broken one is logged and stands as a failing asset."""
    workshop = open_workshop(settings)
    for error in workshop.loaded.broken.values():
        log.warning("a definition cannot be loaded:\n%s", error)
    return definitions_of(workshop)


class _Parts(NamedTuple):
    """What Dagster has of one export."""

    asset: dg.AssetsDefinition
    job: Any = None
    schedule: dg.ScheduleDefinition | None = None


def definitions_of(workshop: Workshop, *, quiet: bool = False) -> dg.Definitions:
    """`quiet` keeps the log of `on_demand_export` off the terminal; other jobs take QUIET as run configuration."""
    parts = [_parts(one, workshop) for one in workshop.loaded.definitions]
    parts += [_Parts(broken_asset(name, error)) for name, error in workshop.loaded.broken.items()]
    jobs = [one.job for one in parts if one.job]
    again, sweeping = deliver_again_job(workshop), sweep_job()
    return dg.Definitions(
        assets=[one.asset for one in parts],
        jobs=[*jobs, on_demand_job(workshop, quiet), again, sweeping],
        schedules=[*(one.schedule for one in parts if one.schedule), sweep_schedule(sweeping)],
        sensors=[
            retry_sensor(workshop, again),
            retry_windows_sensor(workshop, jobs),
            alert_sensor(workshop),
        ],
        resources={"workshop": workshop, "io_manager": dg.FilesystemIOManager()},
        executor=dg.in_process_executor,  # a process for each step costs seconds; runs are what goes in parallel
    )


def _parts(definition: ExportDefinition, workshop: Workshop) -> _Parts:
    """Of one that Dagster cannot take, for whatever cause, a failing asset: no export stops the others."""
    try:
        job = export_job(definition, workshop)
        return _Parts(export_asset(definition, workshop), job, export_schedule(definition, job, workshop))
    except Exception as error:
        broken = DefinitionError([f"{definition.at()}: Dagster does not take this definition: {error}"])
        log.warning("a definition cannot be loaded:\n%s", broken)
        return _Parts(broken_asset(definition.name, broken))
