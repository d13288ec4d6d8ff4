"""Gauges for Prometheus: what ledger, store, Dagster and the machine say at a scrape. docs/operations.md lists them."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from prometheus_client.core import GaugeMetricFamily, Metric

from export_pipelines import logs
from export_pipelines.ledger import OPEN, RunLeases, Streams
from export_pipelines.ledger.clock import clock_ahead
from export_pipelines.ledger.verify_audit import last_checkpoint_at
from export_pipelines.orchestration.observed_instance import ObservedInstance
from export_pipelines.plan.partitions import last_complete_window
from export_pipelines.project import Project
from export_pipelines.status.machine import disk_spaces, key_ages
from export_pipelines.status.streams import stream_states

NAME = "export_pipelines"
log = logging.getLogger(__name__)

Values = Mapping[tuple[str, ...], float]


class GaugeSpec(NamedTuple):
    """`name` without the prefix, with its unit; `labels` are those of each value."""

    name: str
    help: str
    labels: tuple[str, ...]
    values: "Callable[[Gauges], Values]"


class Gauges:
    """A collector for one scrape of a project, on Dagster's `instance` of it."""

    def __init__(self, project: Project, instance: Any) -> None:
        self.project, self.observed = project, ObservedInstance(project, instance)
        self.now = self.observed.now

    def collect(self) -> Iterable[Metric]:
        """What cannot be asked is left out, so that the others are seen, and is counted."""
        failed = 0
        for spec in SPECS:
            family = GaugeMetricFamily(f"{NAME}_{spec.name}", spec.help, labels=spec.labels)
            try:
                values = spec.values(self)
            except Exception as error:
                failed += 1
                log.warning("gauge failed", extra={"gauge": spec.name, **logs.failure(error)})
                continue
            for key, value in values.items():
                family.add_metric(list(key), value)
            yield family
        yield GaugeMetricFamily(f"{NAME}_{FAILED}", FAILED_HELP, value=failed)

    @cached_property
    def written(self) -> Mapping[str, Any]:
        return self.project.ledger.written()

    @cached_property
    def streams(self) -> Mapping[str, Any]:
        return stream_states(self.project)

    def of_written(self, figure: str) -> Values:
        return {(export,): getattr(row, figure) for export, row in self.written.items()}

    def lags(self) -> Values:
        lags: dict[tuple[str, ...], float] = {}
        for definition in self.project.loaded.definitions:
            row = self.written.get(definition.name)
            newest: datetime | None = row.window_end if row else None
            if definition.schedule and definition.partition and newest:
                due = last_complete_window(definition.partition, self.now).end
                lags[(definition.name,)] = max(0.0, (due - newest).total_seconds())
        return lags

    def stage_seconds(self) -> Values:
        return {
            (export, stage): value
            for export in self.written
            if (manifest := self.project.store.latest(export))
            for stage, value in manifest.seconds.items()
        }

    def late(self) -> Values:
        """Every scheduled export, so that one that is not late is seen to be watched."""
        scheduled = [definition.name for definition in self.project.loaded.definitions if definition.schedule]
        late = {export.export: self.now - export.due_at for export in self.observed.late()}
        return {(name,): late.get(name, timedelta()).total_seconds() for name in scheduled}

    def oldest_delivery(self) -> Values:
        registered = [delivery.registered_at for delivery in self.project.ledger.deliveries(states=OPEN)]
        return {(): _age(min(registered, default=self.now), self.now)}

    def heartbeats(self) -> Values:
        return {(beat.daemon,): _age(beat.at, self.now) for beat in self.observed.heartbeats() if beat.at}

    def lease_counts(self) -> Any:
        return RunLeases(self.project.ledger.engine, lambda: self.now).counts()

    def leases(self) -> Values:
        counts = self.lease_counts()
        return {("live",): counts.live, ("overdue",): counts.overdue}

    def of_streams(self, figure: str) -> Values:
        return {(name,): getattr(state, figure) for name, state in self.streams.items()}

    def stream_ages(self, moment: str) -> Values:
        ages = ((name, getattr(state, moment)) for name, state in self.streams.items())
        return {(name,): _age(at, self.now) for name, at in ages if at}

    def dead_letters(self) -> Values:
        ledger = self.project.ledger
        counts = Streams(ledger.engine, ledger.locks).dead_letter_counts()
        return {(name,): counts.get(name, 0) for name in self.streams}

    def disks(self, figure: str) -> Values:
        return {(space.place,): getattr(space, figure) for space in disk_spaces(self.project.settings)}

    def keys(self) -> Values:
        ages = key_ages(self.project.settings, self.now)
        return {(key.name,): key.age.total_seconds() for key in ages if key.age is not None}

    def checkpoint(self) -> Values:
        at = last_checkpoint_at(self.project.ledger.engine)
        return {(): _age(at, self.now)} if at else {}

    def clock(self) -> Values:
        ahead = clock_ahead(self.project.ledger.engine, self.project.now)
        return {} if ahead is None else {(): ahead.total_seconds()}


def _age(at: datetime, now: datetime) -> float:
    return max((now - at).total_seconds(), 0.0)


def _by_label(counts: Mapping[str, float]) -> Values:
    return {(label,): number for label, number in counts.items()}


def _specs() -> Iterator[GaugeSpec]:
    export, stream, state = ("export",), ("stream",), ("state",)
    yield GaugeSpec("artifacts", "Artifacts written", export, lambda g: g.of_written("artifacts"))
    yield GaugeSpec("rows", "Rows written", export, lambda g: g.of_written("rows"))
    yield GaugeSpec("bytes", "Bytes written", export, lambda g: g.of_written("bytes"))
    yield GaugeSpec(
        "lag_seconds",
        "From the end of the newest window to that of the last complete one",
        export,
        Gauges.lags,
    )
    yield GaugeSpec(
        "late_seconds",
        "Since a window was due that has not arrived everywhere; 0 for a scheduled export that is not late",
        export,
        Gauges.late,
    )
    stages = "Seconds of each stage, in the newest artifact"
    yield GaugeSpec("stage_seconds", stages, ("export", "stage"), Gauges.stage_seconds)
    yield GaugeSpec(
        "deliveries", "Deliveries by state", state, lambda g: _by_label(g.project.ledger.delivery_states())
    )
    waiting = "Since the oldest delivery was registered that has not ended; 0 where none waits"
    yield GaugeSpec("delivery_wait_seconds", waiting, (), Gauges.oldest_delivery)
    unfinished = "Runs of Dagster that have not ended"
    yield GaugeSpec("runs", unfinished, state, lambda g: _by_label(g.observed.run_counts()))
    longest = "Of the run that has waited longest in Dagster's queue"
    yield GaugeSpec(
        "queue_wait_seconds", longest, (), lambda g: {(): g.observed.longest_wait().total_seconds()}
    )
    backfills = "Backfills of Dagster that have not ended"
    yield GaugeSpec("backfills", backfills, state, lambda g: _by_label(g.observed.backfill_counts()))
    failed = "Runs and backfills that failed for good in the last two days, each once for each of its exports"
    yield GaugeSpec("failures", failed, (), lambda g: {(): len(g.observed.failures())})
    beats = "Since the last heartbeat of each of Dagster's daemons"
    yield GaugeSpec("daemon_heartbeat_age_seconds", beats, ("daemon",), Gauges.heartbeats)
    of_runs = "Leases of runs on workers that have not ended: live, and overdue without a heartbeat"
    yield GaugeSpec("run_leases", of_runs, state, Gauges.leases)
    again = "Runs of the last 30 days that took the place of another one, as after a lost worker"
    yield GaugeSpec("runs_again", again, (), lambda g: {(): g.lease_counts().again})
    yield from _of_streams(stream)
    free = "Free on the file system of HOME and, on another one, of the artifact store"
    yield GaugeSpec("disk_free_bytes", free, ("place",), lambda g: g.disks("free"))
    yield GaugeSpec("disk_size_bytes", "Size of that", ("place",), lambda g: g.disks("total"))
    yield GaugeSpec("key_age_seconds", "Since the file of a key was written", ("key",), Gauges.keys)
    signed = "Since the last checkpoint of the audit was signed"
    yield GaugeSpec("audit_checkpoint_age_seconds", signed, (), Gauges.checkpoint)
    ahead = "How far the clock of the ledger's PostgreSQL is ahead of this machine's"
    yield GaugeSpec("ledger_clock_ahead_seconds", ahead, (), Gauges.clock)


def _of_streams(labels: tuple[str, ...]) -> Iterator[GaugeSpec]:
    def ages(moment: str) -> Callable[[Gauges], Values]:
        return lambda g: g.stream_ages(moment)

    def figures(figure: str) -> Callable[[Gauges], Values]:
        return lambda g: g.of_streams(figure)

    def states(is_so: Callable[[Any], bool]) -> Callable[[Gauges], Values]:
        return lambda g: {(name,): float(is_so(state)) for name, state in g.streams.items()}

    running = states(lambda state: state.holder is not None)
    yield GaugeSpec("stream_running", "1 while a process has the lease of the stream", labels, running)
    paused = states(lambda state: state.paused_at is not None)
    yield GaugeSpec("stream_paused", "1 while somebody has paused the stream", labels, paused)
    failing = states(lambda state: state.error is not None)
    yield GaugeSpec("stream_failing", "1 while the stream waits after an error", labels, failing)
    yield GaugeSpec(
        "stream_seen_age_seconds", "Since its process said that it lives", labels, ages("seen_at")
    )
    yield GaugeSpec("stream_lease_age_seconds", "Since its process has the lease", labels, ages("held_since"))
    leases = "Leases of the stream so far: grows when another process takes over"
    yield GaugeSpec("stream_leases", leases, labels, figures("number"))
    yield GaugeSpec(
        "stream_newest_age_seconds", "Since the time of the newest record sent", labels, ages("newest")
    )
    yield GaugeSpec("stream_records", "Records sent", labels, figures("sent"))
    yield GaugeSpec("stream_bytes", "Bytes sent", labels, figures("bytes"))
    yield GaugeSpec("stream_late_records", "Records that came behind the cursor", labels, figures("late"))
    yield GaugeSpec("stream_doubtful_records", "Records that may be double", labels, figures("doubtful"))
    yield GaugeSpec("stream_dead_letters", "Records that the sink cannot take", labels, Gauges.dead_letters)


SPECS = tuple(_specs())
FAILED, FAILED_HELP = "failed_gauges", "Of the gauges here, those that could not be asked"
