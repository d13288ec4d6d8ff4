"""The status of Dagster's side: its daemon, its queue, the runs that failed, the exports that are late."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from export_pipelines.diagnosis import Finding
from export_pipelines.ledger import Alert
from export_pipelines.orchestration.observed_instance import Heartbeat, ObservedInstance
from export_pipelines.plan.plan import iso
from export_pipelines.quantities import counted
from export_pipelines.status.part import StatusPart, span

START_DAEMON = "start it: dagster-daemon run, or export-pipelines ui"
LONG_WAIT = timedelta(minutes=2)
QUEUED = ("queued", "not_started", "managed")


def daemon(observed: ObservedInstance) -> StatusPart:
    beats = observed.heartbeats()
    ages = {beat.daemon: (observed.now - beat.at).total_seconds() if beat.at else None for beat in beats}
    return StatusPart("daemon", [_daemon(observed, beats)], {"heartbeat_age_seconds": ages})


def _daemon(observed: ObservedInstance, beats: list[Heartbeat]) -> Finding:
    silent = [beat.daemon for beat in beats if not beat.is_healthy]
    newest = max((beat.at for beat in beats if beat.at), default=None)
    if newest is None:
        return Finding(
            "bad",
            "Dagster's daemon has never run: no schedule is kept, no run of the UI starts",
            START_DAEMON,
        )
    if silent:
        text = f"of Dagster's daemon, {', '.join(silent).lower()} does not answer"
        return Finding(
            "bad", f"{text}; its last heartbeat was {span(observed.now - newest)} ago", START_DAEMON
        )
    return Finding("good", f"last heartbeat {span(observed.now - newest)} ago")


def queue(observed: ObservedInstance) -> StatusPart:
    counts, wait = observed.run_counts(), observed.longest_wait()
    backfills = sum(observed.backfill_counts().values())
    waiting = sum(counts[state] for state in QUEUED)
    running = sum(counts.values()) - waiting
    figures = {
        "waiting": waiting,
        "running": running,
        "longest_wait_seconds": wait.total_seconds(),
        "backfills": backfills,
    }
    text = f"{counted(running, 'run')} running, {waiting} waiting"
    text += f" (for up to {span(wait)})" if waiting else ""
    text += f", {counted(backfills, 'backfill')} under way" if backfills else ""
    if waiting and not running and wait > LONG_WAIT:
        then = "look at the daemon's log; pools and limits of dagster.yaml may be taken: dagster instance concurrency get --all"
        return StatusPart("queue", [Finding("bad", f"{text}: nothing takes them", then)], figures)
    return StatusPart("queue", [Finding("busy" if waiting else "good", text)], figures)


def runs(observed: ObservedInstance) -> StatusPart:
    failures = observed.failures()
    findings = list(_alerts(failures)) or [Finding("good", "none failed in the last two days")]
    return StatusPart("runs", findings, {"failed": len(failures)})


def late(observed: ObservedInstance) -> StatusPart:
    exports = observed.late()
    findings = [
        Finding(
            "bad",
            f"{export.export}: window {export.window_key}, due at {iso(export.due_at)}, has not arrived everywhere "
            f"{export.hours:g} hours later",
            f"export-pipelines diagnose {export.export}",
        )
        for export in exports
    ]
    figures = {export.export: (observed.now - export.due_at).total_seconds() for export in exports}
    return StatusPart("late", findings or [Finding("good", "no export is late")], {"late_seconds": figures})


def undelivered(observed: ObservedInstance) -> StatusPart:
    states = observed.project.ledger.delivery_states()
    alerts = observed.undelivered()
    waiting = sum(states.get(state, 0) for state in ("due", "sending", "retrying"))
    findings = list(_alerts(alerts))
    if waiting:
        then = "export-pipelines deliveries" if states.get("retrying") else ""
        text = f"{waiting} on their way, {states.get('retrying', 0)} of them being tried again"
        findings.append(Finding("busy", text, then))
    return StatusPart(
        "deliveries",
        findings or [Finding("good", "nothing is waiting")],
        {"by_state": dict(sorted(states.items()))},
    )


def _alerts(alerts: Iterable[Alert]) -> Iterator[Finding]:
    for alert in alerts:
        yield Finding("bad", f"{alert.export}: {alert.text}", alert.then)
