"""The work of scenes, in a process of its own: what people and schedules ask of a project, by the doors that they use."""

import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from export_pipelines.delivery.webhook import http_client
from export_pipelines.erasure.retention import sweep
from export_pipelines.errors import ExportError, RetryableError
from export_pipelines.interrupts import hear
from export_pipelines.ledger import ENDED_BADLY, OPEN
from export_pipelines.pipeline import deliver
from export_pipelines.project import Project
from export_pipelines.project_streams import run_stream

UNCLEAR = 70  # the exit code of an error that is none of ours
INTERRUPTED = (130, 143)
TIMEOUT_S = 2.0
EXPORT = "daily"


def wait_less() -> None:
    """What waits for minutes waits for seconds here; nothing else is different."""
    http_client.CONNECT_S = TIMEOUT_S


def perform(act: str, arguments: Sequence[str]) -> dict[str, Any]:
    """Does it; gives exit code, text, and whether the error may pass. An error that is none of ours is told with its
    traceback, and has the code UNCLEAR."""
    try:
        ACTS[act](Project.open("."), *arguments)
    except ExportError as error:
        return {"code": error.exit_code, "text": str(error), "retryable": error.retryable}
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else UNCLEAR if end.code else 0
        return {"code": code, "text": _said()[-2_000:], "retryable": code in INTERRUPTED}
    except KeyboardInterrupt:
        return {"code": 130, "text": "interrupted", "retryable": True}
    except BaseException:
        traceback.print_exc()
        return {"code": UNCLEAR, "text": traceback.format_exc()[-3_000:], "retryable": False}
    return {"code": 0}


def _said() -> str:
    sys.stdout.flush()
    sys.stderr.flush()
    return Path("said").read_text(errors="replace")


def run(project: Project, *days: str) -> None:
    """Writes and delivers a window each, as a notebook would."""
    errors = [error for day in days for error in project.run(EXPORT, day, any_hour=True).failures.values()]
    if errors:
        raise next((error for error in errors if not error.retryable), errors[0])


def deliver_waiting(project: Project) -> None:
    """What has not arrived and may be sent: what Dagster's sensor does, and people do with what failed."""
    errors = []
    for delivery in project.ledger.deliveries(states=(*OPEN, "failed")):
        try:
            deliver(
                delivery.id,
                project.ledger,
                project.resources,
                project.now,
                require=project.require_deliverable,
            )
        except ExportError as error:
            errors.append(error)
    if errors:
        raise next((error for error in errors if not error.retryable), errors[0])


def settle(project: Project, *days: str) -> None:
    """What comes after a fault: waiting deliveries again, then the windows that have not arrived, and the nightly sweep. A
    delivery that may have arrived is left to a person."""
    try:
        deliver_waiting(project)
    except RetryableError:
        deliver_waiting(project)
    except ExportError:
        pass  # such as an artifact that was damaged: its window is written again
    missing = [
        day for day in days if not project.ledger.arrived(EXPORT, day) and not _is_uncertain(project, day)
    ]
    if missing:
        run(project, *missing)
    swept = sweep(
        project.loaded.definitions, project.store, project.ledger, project.now(), project.settings.home
    )
    swept.require_complete()


def _is_uncertain(project: Project, day: str) -> bool:
    """Whether all that has not arrived may have arrived."""
    states = [delivery.state for delivery in project.ledger.deliveries(EXPORT) if delivery.window_key == day]
    return "uncertain" in states and not set(states) & {*OPEN, *ENDED_BADLY} - {"uncertain"}


def stream(project: Project, name: str) -> None:
    """Sends what is new, until nothing is."""
    run_stream(project, name, until_caught_up=True)


def command(_: Project, *arguments: str) -> None:
    """A command of the terminal."""
    from export_pipelines.cli.app import app

    hear()
    app(list(arguments), prog_name="export-pipelines")


def commands(project: Project, *texts: str) -> None:
    """Commands of the terminal, one after the other; ends with the first that fails."""
    for text in texts:
        try:
            command(project, *text.split(" "))
        except SystemExit as end:
            if end.code:
                raise


def make_storage(project: Project) -> None:
    """Makes Dagster's storage."""
    from export_pipelines.orchestration import open_instance

    with open_instance(project.settings, project.root, os.environ):
        pass


def fill(project: Project, *days: str) -> None:
    """The windows from the first day to the last, as the command for it runs them, in Dagster."""
    command(project, "backfill", EXPORT, "--from", days[0], "--to", days[-1])


def fill_again(project: Project, *days: str) -> None:
    """The same command once more; then what is open, and the sweep."""
    try:
        fill(project, *days)
    except SystemExit as end:
        if end.code:
            raise
    settle(Project.open("."), *days)


def erase(project: Project, artifact: str) -> None:
    """Erases an artifact, or goes on with its erasure; does nothing when it was erased."""
    from export_pipelines.erasure.record import unfinished

    listing = project.store.listing()
    known = {manifest.artifact for manifest in listing.manifests} | set(listing.damaged)
    if artifact in known | {record.artifact for record in unfinished(project.ledger)}:
        command(project, "erase", artifact, "--yes")


ACTS: Mapping[str, Callable[..., None]] = {
    "run": run,
    "deliver waiting": deliver_waiting,
    "settle": settle,
    "erase": erase,
    "fill": fill,
    "fill again": fill_again,
    "make storage": make_storage,
    "stream": stream,
    "command": command,
    "commands": commands,
}
