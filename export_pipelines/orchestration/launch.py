"""Runs an export's job in this process, on the instance that the UI looks at: one window in, artifacts or faults out."""

import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import dagster as dg

from export_pipelines import logs
from export_pipelines.artifacts import Manifest
from export_pipelines.artifacts.stored_manifests import StoredManifests
from export_pipelines.definition import ExportDefinition
from export_pipelines.definition.overrides import RunOverrides, require_leads
from export_pipelines.interrupts import INTERRUPTED, Interrupted
from export_pipelines.orchestration.build import definitions_of
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.delivery_retries import DELIVER_AGAIN, send_config
from export_pipelines.orchestration.edges import Written
from export_pipelines.orchestration.failures import UNEXPECTED, failures_in
from export_pipelines.orchestration.jobs import QUIET
from export_pipelines.orchestration.op_bodies import ANY_HOUR, tags_of
from export_pipelines.orchestration.run_tags import ASKED_BY, EXPORT_TAG, FULL_TAG, ON_DEMAND, ORIGIN
from export_pipelines.orchestration.schedules import run_config
from export_pipelines.plan.plan import Window, iso
from export_pipelines.plan.window import require_complete, require_quiet, scheduled_window, window_of
from export_pipelines.project import Project
from export_pipelines.run.observer import Deaf, Observer
from export_pipelines.system_user import system_user

log = logging.getLogger(__name__)

NOW_ANYWAY = "wait, or add --now"


@dataclass(frozen=True)
class Outcome:
    """What came of a run. `manifests` are the artifacts written, also of windows that were not delivered;
    `failures` maps the key of each window that failed to one clear text; `exit_code` is 0, 1 or 2."""

    run_id: str
    manifests: Sequence[Manifest]
    failures: Mapping[str, str]
    exit_code: int

    @property
    def ok(self) -> bool:
        return self.exit_code == 0


@dataclass(frozen=True)
class Redelivery:
    """What came of deliveries that were tried again: one clear text for each that failed, by its artifact; `exit_code` is
    0, 1 or 2."""

    failures: Mapping[str, str]
    exit_code: int


def launch(
    project: Project,
    export: str,
    *,
    instance: dg.DagsterInstance,
    partition_key: str | None = None,
    window: Window | None = None,
    overrides: RunOverrides | None = None,
    any_hour: bool = False,
    full: bool = False,
    observer: Observer | None = None,
) -> Outcome:
    """Runs `export` for one partition, for one window, or for what its schedule would take now; the run `overrides` replace
    keys of its filter. `any_hour` goes over quiet hours; in `mode: changes`, `full` asks for a full set.

    Raises RequestError (unknown export, wrong or incomplete window, wrong filter) before there is a run; what goes wrong in
    the run is in the outcome. `observer` hears what the run does.
    """
    location = CodeLocation(project, observer=observer or Deaf())
    definition, now = project.definition(export, overrides), project.now
    require_leads(definition)
    chosen = window or _window(definition, partition_key, now())
    require_complete(chosen, now())
    tags = {ANY_HOUR: "yes"} if any_hour else {}
    tags |= ({FULL_TAG: "yes"} if full else {}) | tags_of(project.asker)
    if not any_hour:
        require_quiet(definition, now(), NOW_ANYWAY)
    if definition.partition is None or window is None:
        run: dict[str, Any] = {"run_config": run_config(location, definition, chosen), "tags": tags}
        if definition.partition:
            run["partition_key"] = chosen.key
        return run_job(location, definition, export, [chosen.key], instance, **run)
    config = {"export": export, "start": iso(window.start), "end": iso(window.end), **definition.overrides}
    tags |= {EXPORT_TAG: export}
    return run_job(location, definition, ON_DEMAND, [window.key], instance, run_config=config, tags=tags)


def redeliver(
    project: Project,
    deliveries: Sequence[str],
    again: bool,
    *,
    instance: dg.DagsterInstance,
) -> Redelivery:
    """One attempt at each of the ledger's `deliveries`."""
    job = definitions_of(CodeLocation(project), quiet=True).resolve_job_def(DELIVER_AGAIN)
    result = job.execute_in_process(
        instance=instance,
        raise_on_error=False,
        run_config={**send_config(deliveries, again), **QUIET},
        tags={ORIGIN: "terminal", ASKED_BY: project.asker or system_user()},
    )
    texts, exit_code = failures_in(result.all_events, [""])
    if exit_code >= INTERRUPTED:
        raise Interrupted
    return Redelivery(texts, exit_code)


def run_job(
    location: CodeLocation,
    definition: ExportDefinition,
    job: str,
    keys: Sequence[str],
    instance: dg.DagsterInstance,
    defs: dg.Definitions | None = None,
    **run: Any,
) -> Outcome:
    """Executes the job `job` of `defs`, or else of those of `location`, for the windows `keys`, without a word on the terminal."""
    defs = defs or definitions_of(location, quiet=True)
    run["tags"] = {ORIGIN: "terminal", ASKED_BY: system_user(), **run.get("tags", {})}
    config = {**run.pop("run_config", {}), **(QUIET if job != ON_DEMAND else {})}
    run_id = str(uuid.uuid4())
    with logs.run(run_id):
        log.debug("launching", extra={"export": definition.name, "job": job, "windows": len(keys)})
        result = defs.resolve_job_def(job).execute_in_process(
            instance=instance, raise_on_error=False, run_config=config, run_id=run_id, **run
        )
        log.debug("launched", extra={"export": definition.name, "success": result.success})
    path = "write" if job == ON_DEMAND else f"{location.node_name(definition)}.write"
    failures, exit_code = failures_in(result.all_events, keys)
    if exit_code >= INTERRUPTED:
        raise Interrupted
    manifests = StoredManifests(location.project.store, _artifacts(result, path))
    return Outcome(result.run_id, manifests, failures, exit_code or (0 if result.success else UNEXPECTED))


def _window(definition: ExportDefinition, partition_key: str | None, now: datetime) -> Window:
    if definition.partition is None and partition_key is None:
        return scheduled_window(definition, now)
    return window_of(definition, partition_key)


def _artifacts(result: dg.ExecuteInProcessResult, path: str) -> tuple[str, ...]:
    try:
        written = result.output_for_node(path)
    except dg.DagsterInvariantViolationError:  # the run did not get as far
        return ()
    return tuple(window.artifact for window in map(Written.model_validate, written) if window.artifact)
