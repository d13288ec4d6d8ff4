"""What people and Dagster do with the streams of a project, by their rights: run, pause, resume, replay."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from export_pipelines.errors import DefinitionError, ExportError, RequestError

if TYPE_CHECKING:
    from export_pipelines.access import Permission
    from export_pipelines.definition import ExportDefinition
    from export_pipelines.plan import PlanRequest
    from export_pipelines.project import Project
    from export_pipelines.streaming.horizon import Position, Start
    from export_pipelines.streaming.observer import StreamObserver
    from export_pipelines.streaming.prepare import Prepared, StreamContext
    from export_pipelines.streaming.runner import End, Runner

RIGHTS_S = 300.0  # how soon a right that ends with a day is seen


def run_stream(
    project: "Project",
    name: str,
    observer: "StreamObserver | None" = None,
    seconds: float | None = None,
    until_caught_up: bool = False,
    take_over: bool = False,
    begun: "Callable[[Runner], None]" = lambda runner: None,
) -> "End":
    """Runs the stream here, for so many `seconds` or without an end; see `streaming.run.run_stream`. Raises ExportError."""
    from export_pipelines.streaming.run import run_stream

    definition = stream_named(project, name)
    timers: list[threading.Timer] = []

    def started(runner: "Runner") -> None:
        begun(runner)
        if seconds is not None:
            timers.append(threading.Timer(seconds, runner.stop.set))
            timers[-1].start()

    project.note_changes(definition)
    changes = _Changes(project, definition)
    with _recorded(project, definition) as detail:
        try:
            end = run_stream(
                prepared(project, name),
                changes.prepared,
                context_of(project),
                observer,
                take_over,
                until_caught_up,
                started,
            )
        finally:
            for timer in timers:
                timer.cancel()
        detail["end"] = end
    return end


@contextmanager
def _recorded(project: "Project", definition: "ExportDefinition") -> Iterator[dict[str, Any]]:
    """Records that the stream begins here, and that it ends, whatever ends it but a kill."""
    from export_pipelines.ledger import AuditAction, AuditOutcome, AuditRecord

    trail, name, owner = project.trail, definition.name, definition.owner
    begun = AuditRecord(
        project.actor, AuditAction.STREAM, name, AuditOutcome.STARTED, owner, {"change": "began"}
    )
    with trail.recording(AuditAction.STREAM, name, project.asker, owner) as detail:
        detail["change"] = "ended"
        trail.record(begun)
        try:
            yield detail
        except BaseException as error:
            if not isinstance(error, ExportError):
                interrupted = {"change": "ended", "end": "interrupted"}
                trail.record(replace(begun, outcome=AuditOutcome.DONE, detail=interrupted))
            raise


def pause_stream(project: "Project", name: str) -> None:
    """Ends the stream at its batch's end, wherever it runs, and keeps it from beginning. Raises Denied."""
    definition = stream_named(project, name)
    with _changing(project, definition, "paused"):
        context_of(project).streams.pause(definition.name, project.actor, project.now())


def resume_stream(project: "Project", name: str) -> None:
    """Lets it begin again. Raises Denied."""
    definition = stream_named(project, name)
    with _changing(project, definition, "resumed"):
        context_of(project).streams.resume(definition.name)


def replay_stream(
    project: "Project",
    name: str,
    start: datetime,
    to: str | None,
    same_place: bool = False,
    observer: "StreamObserver | None" = None,
) -> "End":
    """Sends rows from `start` on once more, to another stream or folder `to`, or, where that is said, to the `same_place`.
    Raises ExportError."""
    from export_pipelines.streaming.run import replay

    if (to is None) is not same_place:
        raise RequestError(
            "a replay needs a place",
            where=name,
            remedy="--to PLACE (another stream, or a folder of the bucket), or --same-place",
        )

    definition = stream_named(project, name)
    assert definition.stream is not None
    if to is not None:
        definition = definition.model_copy(update={"stream": definition.stream.sent_to(to)})
    with _changing(project, definition, "replayed"):
        changes = _Changes(project, definition, to)
        return replay(
            prepared(project, name, definition), changes.prepared, context_of(project), start, observer
        )


def restart_stream(project: "Project", name: str, start: "Start") -> None:
    """Lets the stream begin anew at `start`, with the next sequence, and gives up its cursor and what the source keeps for that.
    Raises ExportError."""
    from export_pipelines.streaming.horizons.kept import drop_slot
    from export_pipelines.streaming.run import restart_stream

    definition = stream_named(project, name)
    url = project.settings.source_url.get_secret_value()

    def release(position: "Position") -> None:
        if slot := position.get("slot"):
            drop_slot(url, slot)

    with _changing(project, definition, "restarted"):
        restart_stream(prepared(project, name), context_of(project), start, release)


def record_schema_of(project: "Project", name: str) -> dict[str, Any]:
    """The JSON Schema of the stream's records, as they would be sent now. Raises ExportError."""
    from export_pipelines.ledger import Streams
    from export_pipelines.streaming.plannable import require_plannable
    from export_pipelines.streaming.record_schema import record_schema
    from export_pipelines.streaming.sink import Envelope

    definition = stream_named(project, name)
    plan = require_plannable(_request(project, definition, "view"), project.resources)
    state = Streams(project.ledger.engine, project.ledger.locks).state(name)
    assert definition.stream is not None
    return record_schema(plan, Envelope(name, max(state.schema_version, 1), not definition.stream.envelope))


def stream_named(project: "Project", name: str) -> "ExportDefinition":
    """Raises RequestError for an export with an end."""
    definition = project.loaded.named(name)
    if definition.stream is None:
        streams = ", ".join(stream.name for stream in project.loaded.streams) or "none"
        raise RequestError(
            f"{name} is no stream; streams: {streams}",
            where=definition.at("type"),
            remedy=f"export-pipelines run {name}",
        )
    return definition


def prepared(
    project: "Project",
    name: str,
    definition: "ExportDefinition | None" = None,
    permission: "Permission" = "create",
) -> "Prepared":
    """The stream as its files say now, by the rights that its owner and the asker have now."""
    from export_pipelines.streaming.prepare import prepare

    definition = definition or stream_named(project, name)
    url = project.settings.source_url.get_secret_value()
    return prepare(_request(project, definition, permission), url, project.resources)


class _Changes:
    """Whether the files of a stream have changed: looking costs nothing, preparing anew does. `to` is another place, of a
    replay."""

    def __init__(self, project: "Project", definition: "ExportDefinition", to: str | None = None) -> None:
        self.project, self.definition, self.to = project, definition, to
        settings = project.settings
        files = (project.file_of(definition), settings.access, settings.allowed, settings.catalog)
        self.files = [file for file in files if file is not None]
        self.seen, self.at = self._stamps(), time.monotonic()

    def prepared(self) -> "Prepared | None":
        """The stream as its files say now, None where they say what they said; rights may end with a day, too. Raises Denied
        also where the file of the export cannot be read."""
        stamps, at = self._stamps(), time.monotonic()
        if stamps == self.seen and at - self.at < RIGHTS_S:
            return None
        self.seen, self.at = stamps, at
        project = replace(self.project)  # which reads its files anew
        project.settings, project.store, project.ledger = (
            self.project.settings,
            self.project.store,
            self.project.ledger,
        )
        try:
            definition = stream_named(project, self.definition.name)
        except DefinitionError:
            _request(project, self.definition, "create")
            raise
        if self.to is not None and definition.stream is not None:
            definition = definition.model_copy(update={"stream": definition.stream.sent_to(self.to)})
        return prepared(project, definition.name, definition)

    def _stamps(self) -> list[tuple[int, int] | None]:
        stats = (file.stat() if file.exists() else None for file in self.files)
        return [(stat.st_mtime_ns, stat.st_ino) if stat else None for stat in stats]


def context_of(project: "Project") -> "StreamContext":
    from export_pipelines.mask.keys import Keys
    from export_pipelines.streaming.prepare import StreamContext

    return StreamContext(
        project.source(),
        Keys.of(project.settings),
        project.ledger,
        project.resources,
        project.now,
    )


def _request(project: "Project", definition: "ExportDefinition", permission: "Permission") -> "PlanRequest":
    from export_pipelines.plan.rights import with_rights
    from export_pipelines.plan.window import WHOLE

    policy = project.policy()
    with project.trail.refusals(project.asker, permission, definition.name, definition.owner):
        request = project.bare_request(definition, WHOLE)
        return with_rights(request, policy, project.asker, permission, project.now())


@contextmanager
def _changing(project: "Project", definition: "ExportDefinition", change: str) -> Iterator[None]:
    """Records a change of the stream by whoever may run it."""
    from export_pipelines.ledger import AuditAction

    _request(project, definition, "create")
    trail, action = project.trail, AuditAction.STREAM
    with trail.recording(action, definition.name, project.asker, definition.owner) as detail:
        detail["change"] = change
        yield
