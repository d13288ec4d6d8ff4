"""Why is my file late? The schedule, the queue, the run's stages, the deliveries."""

from collections.abc import Iterator
from datetime import timedelta

from export_pipelines.diagnosis.case import Case
from export_pipelines.diagnosis.finding import Finding, Tone
from export_pipelines.diagnosis.missing import DAEMON
from export_pipelines.orchestration.observed_runs import ObservedRun
from export_pipelines.quantities import counted

LONG_WAIT, LONG_RUN = timedelta(minutes=2), timedelta(minutes=10)
STAGES = {
    "extract": "The database answers slowly: an index on the window's column helps (`export-pipelines check --connect`), or fewer fields.",
    "mask": "Masks take the time: fewer masked fields, or a shorter window.",
    "encode": "Writing the format takes the time: CSV and Parquet are quicker than XLSX, zstd quicker than gzip.",
    "store": "The store takes the time: look at its disk or network.",
}


def why_late(case: Case) -> Iterator[Finding]:
    yield from _schedule(case)
    yield from _window(case)
    ended = [run for run in case.runs if run.started_at and run.ended_at]
    if ended:
        yield from _duration(case, ended[0])
    for delivery in case.deliveries:
        attempts = case.project.ledger.attempts(delivery.id)
        failed = sum(attempt["outcome"] not in (None, "delivered") for attempt in attempts)
        if failed:
            end = "it arrived" if delivery.state == "delivered" else delivery.error or "it is on its way"
            text = f"{counted(failed, 'attempt')} to reach {delivery.kind} {delivery.target} failed so far: {end}"
            yield Finding("note", text, "Where it fails often, ask whoever runs that place.")


def _schedule(case: Case) -> Iterator[Finding]:
    definition = case.definition
    if not definition.schedule:
        yield Finding(
            "note", "The export has no schedule: it runs when somebody asks.", "Add `schedule:` to its file."
        )
        return
    if not case.observed.is_scheduled(definition):
        text = f"The schedule ({definition.schedule}, UTC) is turned off in Dagster: nothing runs by itself."
        yield Finding("bad", text, f"Turn {definition.name}_schedule on, in Dagster's page under Automation.")
        return
    times = case.observed.next_times(case.now)
    yield Finding("good", f"The schedule is on; next at {times[case.name]:%Y-%m-%d %H:%M} UTC.")
    if "SCHEDULER" in case.silent_daemons:
        yield Finding("bad", "Dagster's scheduler does not answer, so no schedule is kept.", DAEMON)
    if definition.quiet_hours:
        yield Finding("note", f"Runs begin in the quiet hours only, {definition.quiet_hours} UTC.")


def _window(case: Case) -> Iterator[Finding]:
    """Whether the last complete partition has a file."""
    if not case.definition.partition:
        return
    key = case.window.key
    mine = [record for record in case.records if record.window_key == key]
    if not mine:
        text = f"The last complete window, {key}, was over at {case.window.end:%Y-%m-%d %H:%M} UTC and has no file yet."
        tone: Tone = "bad" if case.definition.schedule else "note"
        yield Finding(tone, text, f"Run it: `{case.command(key)}`.")
    elif mine[-1].arrived:
        at = mine[-1].created_at
        yield Finding("good", f"The last complete window, {key}, has its file since {at:%Y-%m-%d %H:%M} UTC.")
    else:
        yield Finding(
            "busy",
            f"The file of the last complete window, {key}, is written, and has not arrived everywhere.",
        )


def _duration(case: Case, run: ObservedRun) -> Iterator[Finding]:
    assert run.started_at and run.ended_at
    waited, took = run.started_at - run.asked_at, run.ended_at - run.started_at
    text = f"The last run waited {_span(waited)} for its turn, and took {_span(took)}."
    if waited > LONG_WAIT:
        then = "Many runs want to run at once: spread the schedules, or allow more runs in dagster.yaml."
        yield Finding("bad", text, then)
    elif took > LONG_RUN and case.manifest and case.manifest.seconds:
        slowest = max(case.manifest.seconds, key=lambda stage: case.manifest.seconds[stage])  # type: ignore[union-attr]
        yield Finding("bad", f"{text} Most of it was {slowest}.", STAGES.get(slowest, ""))
    else:
        yield Finding("good", text)


def _span(span: timedelta) -> str:
    seconds = max(0, round(span.total_seconds()))
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
