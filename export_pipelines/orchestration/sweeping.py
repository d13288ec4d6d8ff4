"""Every night the store is rid of what no longer has to be kept."""

import dagster as dg

from export_pipelines import logs
from export_pipelines.orchestration.failing import told
from export_pipelines.orchestration.workshop import Workshop
from export_pipelines.retention import sweep

SWEEP = "sweep"
SWEEP_SCHEDULE = f"{SWEEP}_schedule"
AT = "10 4 * * *"


@dg.op(
    name=f"{SWEEP}_store",
    description="Removes artifacts whose `retention` is over, and what killed runs left; the ledger keeps its record",
)
def sweep_store(context: dg.OpExecutionContext, workshop: dg.ResourceParam[Workshop]) -> None:
    with logs.run(context.run_id), told():
        removed = sweep(workshop.loaded.definitions, workshop.store(), workshop.ledger, workshop.now())
    for one in removed:
        context.log.info(f"removed {one}")


def sweep_job() -> dg.JobDefinition:
    @dg.graph(
        name=SWEEP, description="Removes what no longer has to be kept; a schedule asks for it every night"
    )
    def graph() -> None:
        sweep_store()

    return graph.to_job()


def sweep_schedule(job: dg.JobDefinition) -> dg.ScheduleDefinition:
    """On from the start: to keep something for 30 days is also to let go of it then."""
    return dg.ScheduleDefinition(
        name=SWEEP_SCHEDULE,
        cron_schedule=AT,
        job=job,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Removes artifacts whose `retention` is over",
    )
