"""Runs as Dagster's storage and the ledger know them; no process is behind them."""

from dataclasses import dataclass
from datetime import timedelta

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.tags import PARENT_RUN_ID_TAG, ROOT_RUN_ID_TAG

from export_pipelines.ledger import RunLeases
from export_pipelines.ledger.run_leases import LEASE, run_leases
from export_pipelines.orchestration.run_tags import LOST_TAG

RETRIES = {"run_retries": {"enabled": True, "max_retries": 0, "retry_on_asset_or_op_failure": False}}
STARTING, STARTED = dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED


@dg.op
def nothing() -> None: ...


@dg.job
def daily() -> None:
    nothing()


@dataclass
class Runs:
    """Runs as Dagster's storage and the ledger know them; no process is behind them."""

    instance: dg.DagsterInstance
    leases: RunLeases

    def new(self, status: dg.DagsterRunStatus = STARTED, lease: str = "none") -> str:
        """A run with a `lease` that is `living`, `over`, `ended` or `none`."""
        run = self.instance.create_run_for_job(daily, status=dg.DagsterRunStatus.NOT_STARTED)
        set_status(self.instance, run, status)
        if lease != "none":
            self.leases.take(run.run_id, run.run_id, "host:1")
        if lease == "over":
            self.age(run.run_id)
        if lease == "ended":
            self.leases.end(run.run_id)
        return run.run_id

    def in_place_of(self, lost: str) -> dg.DagsterRun:
        """As Dagster makes one, before it is queued."""
        tags = {PARENT_RUN_ID_TAG: lost, ROOT_RUN_ID_TAG: lost, LOST_TAG: lost}
        return self.instance.create_run_for_job(daily, parent_run_id=lost, root_run_id=lost, tags=tags)

    def again(self, root: str) -> str:
        """A run that a person launched from a run that ended, and that executes."""
        tags = {PARENT_RUN_ID_TAG: root, ROOT_RUN_ID_TAG: root}
        run = self.instance.create_run_for_job(daily, parent_run_id=root, root_run_id=root, tags=tags)
        set_status(self.instance, run, STARTED)
        self.leases.take(run.run_id, root, "host:1")
        return run.run_id

    def age(self, run_id: str) -> None:
        kept = self.leases.of(run_id)
        assert kept
        old = kept.seen_at - LEASE - timedelta(seconds=1)
        with self.leases.engine.begin() as connection:
            mine = run_leases.c.run_id == run_id
            connection.execute(sa.update(run_leases).where(mine).values(seen_at=old))

    def status(self, run_id: str) -> dg.DagsterRunStatus:
        return self.run(run_id).status

    def run(self, run_id: str) -> dg.DagsterRun:
        run = self.instance.get_run_by_id(run_id)
        assert run
        return run


def set_status(instance: dg.DagsterInstance, run: dg.DagsterRun, status: dg.DagsterRunStatus) -> None:
    events = {
        STARTING: dg.DagsterEventType.RUN_STARTING,
        STARTED: dg.DagsterEventType.RUN_START,
        dg.DagsterRunStatus.CANCELING: dg.DagsterEventType.RUN_CANCELING,
        dg.DagsterRunStatus.SUCCESS: dg.DagsterEventType.RUN_SUCCESS,
    }
    event = dg.DagsterEvent(event_type_value=events[status].value, job_name="daily", message="")
    instance.report_dagster_event(event, run.run_id)
