"""A project under Dagster as the sensor `alerts` sees it: its ticks, and what it noted down to be told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
)

from export_pipelines.ledger.tables import alerts
from export_pipelines.orchestration.jobs import QUIET
from export_pipelines_tests.orchestration.project import NOW, Project

NOBODY_ANSWERS = "alerts:\n  - to: [{slack: {url: {env: NO_SUCH_VARIABLE}}}]\n"


def turn_on(instance: dg.DagsterInstance, schedule: str, since: datetime) -> None:
    """As a person does in the UI."""
    location = RegisteredCodeLocationOrigin("exports")
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), schedule)
    data = ScheduleInstigatorData("0 2 * * *", since.timestamp())
    state = InstigatorState(origin, InstigatorType.SCHEDULE, InstigatorStatus.RUNNING, data)
    instance.add_instigator_state(state)


def turn_off(instance: dg.DagsterInstance, schedule: str) -> None:
    for state in instance.all_instigator_state(instigator_type=InstigatorType.SCHEDULE):
        if state.name == schedule:
            instance.update_instigator_state(state.with_status(InstigatorStatus.STOPPED))


def schedules_on(instance: dg.DagsterInstance) -> set[str]:
    running = {InstigatorStatus.RUNNING}
    return {state.name for state in instance.all_instigator_state(instigator_statuses=running)}


@dataclass
class Watched:
    """`tick` evaluates the sensor; without `defs` the definitions are loaded anew, as after a reload in the UI."""

    project: Project
    instance: dg.DagsterInstance

    def tick(self, later: timedelta = timedelta(0), defs: dg.Definitions | None = None) -> None:
        self.project.settings.alerts.write_text(NOBODY_ANSWERS, encoding="utf-8")
        defs = defs or self.project.definitions(self.project.opened(lambda: NOW + later))
        context = dg.build_sensor_context(instance=self.instance, repository_def=defs.get_repository_def())
        defs.resolve_sensor_def("alerts").evaluate_tick(context)

    def noted(self) -> list[tuple[str, str]]:
        """Export and text of every alert, oldest first."""
        query = sa.select(alerts.c.export, alerts.c.text).order_by(alerts.c.noticed_at, alerts.c.key)
        with self.project.opened().ledger.engine.begin() as connection:
            return [(row.export, row.text) for row in connection.execute(query)]

    def alerts(self) -> list[tuple[str, str]]:
        """After another tick."""
        self.tick()
        return self.noted()

    def materialize(self, *exports: str, **options: Any) -> dg.ExecuteInProcessResult:
        """What "Materialize" on the page of an asset does: a run of Dagster's own job of all assets."""
        job = self.project.definitions().resolve_implicit_global_asset_job_def()
        keys = [dg.AssetKey(["lead", export]) for export in exports]
        return job.execute_in_process(
            instance=self.instance, raise_on_error=False, run_config=QUIET, asset_selection=keys, **options
        )

    def runs_of(self, export: str) -> Sequence[dg.DagsterRun]:
        return self.instance.get_runs(dg.RunsFilter(tags={"export/name": export}))

    def check(self, export: str, name: str = "definition") -> str | None:
        """The colour of a check."""
        key = dg.AssetCheckKey(dg.AssetKey(["lead", export]), name)
        latest = self.instance.event_log_storage.get_latest_asset_check_execution_by_key([key])
        return latest[key].status.value if key in latest else None
