"""From the settings to everything that Dagster shows and runs."""

import logging
import warnings

import dagster as dg

from export_pipelines.definition import ExportDefinition
from export_pipelines.orchestration.absent import Absent, Parts, absent_exports, absent_parts, refused
from export_pipelines.orchestration.alerts import alert_sensor
from export_pipelines.orchestration.assets import export_asset
from export_pipelines.orchestration.jobs import export_job, on_demand_job
from export_pipelines.orchestration.redelivery import deliver_again_job, retry_sensor
from export_pipelines.orchestration.retrying import retry_windows_sensor
from export_pipelines.orchestration.schedules import export_schedule
from export_pipelines.orchestration.sweeping import sweep_job, sweep_schedule
from export_pipelines.orchestration.workshop import Workshop, open_workshop
from export_pipelines.settings import Settings

log = logging.getLogger("export_pipelines")
NOT_LOADED = "ERROR: the export %s cannot be loaded; it stands red in its place, and the others go on:\n%s"
# Dagster warns of a parameter that it gives to its own sensors; a person can do nothing about it.
warnings.filterwarnings(
    "ignore", message="Parameter `owners` of initializer `SensorDefinition", category=dg.BetaWarning
)


def build_definitions(settings: Settings) -> dg.Definitions:
    """Assets, jobs and schedules of all exports; reads YAML only. A broken one is logged and stands as a failing asset."""
    workshop = open_workshop(settings)
    for absent in absent_exports(workshop):
        log.error(NOT_LOADED, absent.name, absent.error)
    return definitions_of(workshop)


def definitions_of(workshop: Workshop, *, quiet: bool = False) -> dg.Definitions:
    """`quiet` keeps the log of `on_demand_export` off the terminal; other jobs take QUIET as run configuration."""
    made = {one.name: _parts(one, workshop) for one in workshop.loaded.definitions}
    not_taken = [one for one in made.values() if isinstance(one, Absent)]
    absent = [*absent_exports(workshop), *not_taken]
    parts = [one for one in made.values() if isinstance(one, Parts)]
    parts += [absent_parts(one, workshop) for one in absent]
    jobs = [one.job for one in parts if one.job]
    again, sweeping = deliver_again_job(workshop), sweep_job()
    return dg.Definitions(
        assets=[one.asset for one in parts],
        jobs=[*jobs, on_demand_job(workshop, quiet), again, sweeping],
        schedules=[*(one.schedule for one in parts if one.schedule), sweep_schedule(sweeping)],
        sensors=[
            retry_sensor(workshop, again),
            retry_windows_sensor(workshop, jobs),
            alert_sensor(workshop, not_taken),
        ],
        resources={"workshop": workshop, "io_manager": dg.FilesystemIOManager()},
        executor=dg.in_process_executor,  # a process for each step costs seconds; runs are what goes in parallel
    )


def _parts(definition: ExportDefinition, workshop: Workshop) -> Parts | Absent:
    """An export that Dagster cannot take, for whatever cause, is absent: no export stops the others."""
    try:
        job = export_job(definition, workshop)
        return Parts(export_asset(definition, workshop), job, export_schedule(definition, job, workshop))
    except Exception as error:
        absent = refused(definition, error)
        log.error(NOT_LOADED, absent.name, absent.error)
        return absent
