"""What earlier runs of a root run wrote: taken over by the run in their place."""

from collections.abc import Collection
from typing import get_args

import dagster as dg

from export_pipelines.ledger import WindowRecord
from export_pipelines.ledger.delivery import State
from export_pipelines.orchestration.edges import Written
from export_pipelines.plan import Plan, Window
from export_pipelines.plan.fingerprint import fingerprint
from export_pipelines.project import Project


def runs_before(instance: dg.DagsterInstance, run_id: str) -> set[str]:
    """The run that failed first, and its re-executions: those that Dagster groups, and those that this one goes back to."""
    _, group = instance.get_run_group(run_id) or ("", ())
    ids, run = {run.run_id for run in group}, instance.get_run_by_id(run_id)
    while run and run.parent_run_id:
        ids.add(run.parent_run_id)
        run = instance.get_run_by_id(run.parent_run_id)
    return ids


def written_before(
    project: Project, export: str, window: Window, runs: Collection[str], plan: Plan | None = None
) -> Written | None:
    """The newest artifact of the window that one of `runs` wrote, by `plan` where that is given; None where there is none."""
    records = [
        record
        for record in project.ledger.windows(export, window.key)
        if record.window_key == window.key and record.run_id in runs and _is_of(record, plan)
    ]
    if not records:
        return None
    deliveries = project.ledger.deliveries(artifact=records[-1].artifact, states=get_args(State))
    return Written(
        export=export,
        window=window,
        artifact=records[-1].artifact,
        deliver=tuple(delivery.id for delivery in deliveries),
    )


def _is_of(record: WindowRecord, plan: Plan | None) -> bool:
    return plan is None or record.fingerprint == fingerprint(plan)
