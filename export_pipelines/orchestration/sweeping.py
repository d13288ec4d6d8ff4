"""Every night the store is rid of what no longer has to be kept, and the audit is signed."""

import dagster as dg

from export_pipelines import logs
from export_pipelines.audit.checkpoints import daily_checkpoint
from export_pipelines.erasure.retention import ACTOR, sweep
from export_pipelines.kept_slots import sweep_slots
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.failing import as_dagster_failure

SWEEP, SWEEP_STORE, SIGN_AUDIT = "sweep", "sweep_store", "sign_audit"
SWEEP_SCHEDULE = f"{SWEEP}_schedule"
AT = "10 4 * * *"


def sweep_job(location: CodeLocation) -> dg.JobDefinition:
    @dg.op(
        name=location.named(SWEEP_STORE),
        description="Removes artifacts whose `retention` is over, what killed runs left, and replication slots over their limit",
        out=dg.Out(dg.Nothing),
    )
    def sweep_store(context: dg.OpExecutionContext) -> None:
        project = location.project
        with logs.run(context.run_id), as_dagster_failure():
            swept = sweep(
                project.loaded.definitions,
                project.recorded_store("erase", ACTOR),
                project.ledger,
                project.now(),
                project.settings.home,
            )
            for name in [*swept.removed, *sweep_slots(project)]:
                context.log.info(f"removed {name}")
            for text in swept.warnings():
                context.log.warning(text)
            swept.require_complete()

    @dg.op(
        name=location.named(SIGN_AUDIT),
        description="Signs a checkpoint of the audit with AUDIT_KEY, and sends it to the places that alerts.yaml names",
        out=dg.Out(dg.Nothing),
    )
    def sign_audit(context: dg.OpExecutionContext) -> None:
        project = location.project
        with logs.run(context.run_id), as_dagster_failure():
            places = daily_checkpoint(project.ledger, project.resources, project.now())
        for place in places:
            context.log.info(f"checkpoint sent to {place}")

    @dg.graph(
        name=location.named(SWEEP),
        description="Removes what no longer has to be kept, and signs the audit; a schedule asks for it every night",
    )
    def graph() -> None:
        sweep_store.alias(SWEEP_STORE)()
        sign_audit.alias(SIGN_AUDIT)()

    return graph.to_job(executor_def=dg.in_process_executor)


def sweep_schedule(location: CodeLocation, job: dg.JobDefinition) -> dg.ScheduleDefinition:
    """On from the start: to keep something for 30 days is also to let go of it then."""
    return dg.ScheduleDefinition(
        name=location.named(SWEEP_SCHEDULE),
        cron_schedule=AT,
        job=job,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Removes artifacts whose `retention` is over, and signs the audit",
    )
