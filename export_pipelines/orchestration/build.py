"""From the settings to everything that Dagster shows and runs."""

import logging
import warnings

import dagster as dg

from export_pipelines.orchestration.alerts import alert_sensor
from export_pipelines.orchestration.assets import broken_asset, export_asset
from export_pipelines.orchestration.jobs import export_job, on_demand_job
from export_pipelines.orchestration.redelivery import deliver_again_job, retry_sensor
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


def definitions_of(workshop: Workshop, *, quiet: bool = False) -> dg.Definitions:
    """`quiet` keeps the log of `on_demand_export` off the terminal; other jobs take QUIET as run configuration."""
    exports = workshop.loaded.definitions
    jobs = {one.name: export_job(one, workshop) for one in exports}
    schedules = [export_schedule(one, jobs[one.name]) for one in exports]
    again, sweeping = deliver_again_job(workshop), sweep_job()
    return dg.Definitions(
        assets=[
            *(export_asset(one, workshop) for one in exports),
            *(broken_asset(name, error) for name, error in workshop.loaded.broken.items()),
        ],
        jobs=[*jobs.values(), on_demand_job(workshop, quiet), again, sweeping],
        schedules=[*(one for one in schedules if one), sweep_schedule(sweeping)],
        sensors=[retry_sensor(workshop, again), alert_sensor(workshop)],
        resources={"workshop": workshop, "io_manager": dg.FilesystemIOManager()},
        executor=dg.in_process_executor,  # a process for each step costs seconds; runs are what goes in parallel
    )
