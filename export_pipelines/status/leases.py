"""The status of runs on workers: which of them live, by their leases in the ledger."""

from datetime import datetime, timedelta

from export_pipelines.diagnosis import Finding
from export_pipelines.ledger import RunLeases
from export_pipelines.ledger.run_leases import KEPT, LEASE
from export_pipelines.project import Project
from export_pipelines.quantities import counted
from export_pipelines.status.part import StatusPart, span

NOT_ENDED_FOR = timedelta(minutes=2)  # the sensor `find_lost_runs` ends a lost run within a minute


def leases(project: Project, now: datetime) -> StatusPart:
    run_leases = RunLeases(project.ledger.engine, lambda: now)
    counts = run_leases.counts()
    overdue = [now - lease.seen_at for lease in run_leases.over()]
    longest = max(overdue, default=timedelta())
    figures = {
        "live": counts.live,
        "overdue": counts.overdue,
        "longest_silence_seconds": longest.total_seconds(),
        "again": counts.again,
    }
    if project.settings.broker_url is None and not any((counts.live, counts.overdue, counts.again)):
        return StatusPart("leases", [Finding("good", "runs are not on workers elsewhere")], figures)
    text = f"{counted(counts.live, 'run')} on workers"
    text += f", {counts.again} in the place of another one in {KEPT.days} days" if counts.again else ""
    if not overdue:
        return StatusPart("leases", [Finding("good", text)], figures)
    text += f"; {counted(len(overdue), 'run')} silent for up to {span(longest)}"
    if longest > LEASE + NOT_ENDED_FOR:
        then = "start the daemon, and turn its sensor find_lost_runs on: it ends them and asks for them again"
        return StatusPart("leases", [Finding("bad", f"{text}, and nobody ends them", then)], figures)
    return StatusPart("leases", [Finding("busy", text)], figures)
