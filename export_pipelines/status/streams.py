"""The status of streams: who runs each, whether that process lives, what it could not send."""

from datetime import datetime, timedelta

from export_pipelines.diagnosis import Finding
from export_pipelines.ledger import Streams, StreamState
from export_pipelines.project import Project
from export_pipelines.quantities import counted
from export_pipelines.status.part import StatusPart, span

SILENT_FOR = timedelta(minutes=2)  # a stream that lives says so every 10 s


def stream_states(project: Project) -> dict[str, StreamState]:
    """Of the streams that are defined, by name; one that has never run has the state of a new one."""
    known = {state.export: state for state in Streams(project.ledger.engine, project.ledger.locks).all()}
    names = sorted(definition.name for definition in project.loaded.streams)
    return {name: known.get(name) or StreamState(name) for name in names}


def streams(project: Project, now: datetime) -> StatusPart:
    states = stream_states(project)
    if not states:
        return StatusPart("streams", [Finding("good", "no export has `stream:`")])
    dead = Streams(project.ledger.engine, project.ledger.locks).dead_letter_counts()
    findings = [_finding(state, dead.get(name, 0), now) for name, state in states.items()]
    figures = {name: _figures(state, dead.get(name, 0), now) for name, state in states.items()}
    return StatusPart("streams", findings, figures)


def _figures(state: StreamState, dead: int, now: datetime) -> dict[str, object]:
    return {
        "holder": state.holder,
        "seen_age_seconds": _age(state.seen_at, now),
        "lease_age_seconds": _age(state.held_since, now),
        "lease_number": state.number,
        "records": state.sent,
        "late_records": state.late,
        "doubtful_records": state.doubtful,
        "dead_letters": dead,
        "is_paused": state.paused_at is not None,
    }


def _age(at: datetime | None, now: datetime) -> float | None:
    return (now - at).total_seconds() if at else None


def _finding(state: StreamState, dead: int, now: datetime) -> Finding:
    name = state.export
    if state.paused_at is not None:
        text = f"{name}: paused {span(now - state.paused_at)} ago by {state.paused_by}"
        return Finding("note", text, f"export-pipelines stream resume {name}")
    if state.error is not None:
        since = f" (at {state.error_at:%Y-%m-%d %H:%M:%S} UTC)" if state.error_at else ""
        return Finding("bad", f"{name}: {state.error}{since}", "export-pipelines stream status")
    if not state.holder:
        return _without_holder(state, now)
    if state.seen_at and now - state.seen_at > SILENT_FOR:
        text = f"{name}: {state.holder} has it, and was last seen {span(now - state.seen_at)} ago"
        return Finding("bad", text, "end that process: the next one goes on where it was")
    text = f"{name}: {state.holder} runs it, {counted(state.sent, 'record')} sent"
    if dead:
        text += f", {counted(dead, 'dead letter')}"
        return Finding("note", text, f"export-pipelines stream dead-letters {name}")
    return Finding("good", text)


def _without_holder(state: StreamState, now: datetime) -> Finding:
    run = f"export-pipelines stream {state.export}, or turn its sensor on in Dagster"
    if state.cursor is None:
        return Finding("note", f"{state.export}: has never run", run)
    seen = f", last seen {span(now - state.seen_at)} ago" if state.seen_at else ""
    return Finding("bad", f"{state.export}: nobody runs it{seen}", run)
