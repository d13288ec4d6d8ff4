"""The replication slots at the source of a project: whose each is, how much WAL the server keeps for it, and their end."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from export_pipelines.definition.stream import RetainedWal
from export_pipelines.errors import RequestError
from export_pipelines.quantities import size

if TYPE_CHECKING:
    from export_pipelines.ledger import Streams
    from export_pipelines.ledger.streams import Lease
    from export_pipelines.project import Project
    from export_pipelines.streaming.horizons.slots import SlotState

log = logging.getLogger(__name__)

SWEEPER = "retention"


@dataclass(frozen=True)
class KeptSlot:
    """A slot of the program in the source's database. `stream` is that of the project whose cursor names it, if there is one;
    `wal` its bound, None for a stream that is defined no longer."""

    state: "SlotState"
    stream: str | None
    wal: RetainedWal | None

    @property
    def is_over_limit(self) -> bool:
        return self.wal is not None and self.state.kept_bytes > self.wal.limit

    @property
    def is_to_drop(self) -> bool:
        """Whether its stream says so, where nobody runs it."""
        return self.wal is not None and self.wal.exceeded == "drop" and self.is_over_limit

    @property
    def fault(self) -> str | None:
        """Why somebody should look at it."""
        kept = size(self.state.kept_bytes)
        if self.stream is None:
            return f"no stream of this project reads the replication slot {self.state.name}, which keeps {kept} of WAL"
        if self.wal is None:
            return f"{self.stream}: is defined no longer, and its replication slot keeps {kept} of WAL"
        if self.state.is_lost:
            return f"{self.stream}: the server has given up its replication slot, and rows are missing"
        if self.is_over_limit:
            return f"{self.stream}: its replication slot keeps {kept} of WAL, more than the limit of {size(self.wal.limit)}"
        return None

    @property
    def remedy(self) -> str:
        if self.stream is None:
            return f"if no other project reads it: SELECT pg_drop_replication_slot('{self.state.name}')"
        if self.wal is None:
            return f"export-pipelines stream drop-slot {self.stream}"
        if self.state.is_lost:
            return f"export-pipelines stream restart {self.stream} --from TIME"
        return f"let it run: export-pipelines stream {self.stream}; or give its rows up: stream drop-slot {self.stream}"


def kept_slots(project: "Project") -> list[KeptSlot]:
    """Asks the source, where a stream has or may have a slot there. Raises SourceError, RetryableError."""
    if project.settings.dialect != "postgresql":
        return []
    from export_pipelines.streaming.horizons.kept import slot_of, slots_of_source

    states = _streams(project).all()
    stream_of = {slot: state.export for state in states if (slot := slot_of(state.cursor))}
    is_published = any(dataset.stream.publication for dataset in project.catalog.datasets)
    if not stream_of and not is_published:
        return []
    bounds = {
        definition.name: definition.stream.wal
        for definition in project.loaded.streams
        if definition.stream is not None
    }
    slots = slots_of_source(project.settings.source_url.get_secret_value())
    named = [(slot, stream_of.get(slot.name)) for slot in slots]
    return [KeptSlot(slot, stream, bounds.get(stream or "")) for slot, stream in named]


def drop_slot(project: "Project", name: str) -> None:
    """Gives up what the source keeps for the stream `name`, which may be defined no longer: rows since its cursor are then
    missing. Raises Denied, RequestError where it runs or has none, SourceError."""
    from export_pipelines.ledger import AuditAction
    from export_pipelines.streaming.horizons import kept
    from export_pipelines.streaming.horizons.kept import slot_of

    project.require("create", name)
    with project.trail.recording(AuditAction.STREAM, name, project.asker, None) as detail:
        detail["change"] = "slot dropped"
        streams = _streams(project)
        with streams.lease(name, project.actor, project.now()) as lease:
            if lease is None:
                raise RequestError(
                    f"{streams.state(name).holder or 'another process'} runs the stream",
                    where=name,
                    remedy=f"export-pipelines stream pause {name}",
                )
            slot = slot_of(lease.state().cursor)
            if slot is None or not kept.drop_slot(project.settings.source_url.get_secret_value(), slot):
                raise RequestError(
                    "the stream has no replication slot",
                    where=name,
                    remedy="export-pipelines stream slots lists them",
                )


def slots_to_drop(project: "Project") -> list[str]:
    """The names of those that keep more than their streams allow, of streams whose files say `drop`."""
    return [kept.state.name for kept in kept_slots(project) if kept.is_to_drop]


def sweep_slots(project: "Project") -> Iterator[str]:
    """Drops the slots that keep more than their streams allow, of streams that nobody runs and whose files say `drop`; gives
    their names. What else somebody should look at becomes an alert."""
    streams = _streams(project)
    for kept in kept_slots(project):
        if not kept.is_to_drop:
            _notice(project, kept)
            continue
        assert kept.stream is not None
        with streams.lease(kept.stream, SWEEPER, project.now()) as lease:
            is_dropped = lease is not None and _drop_if_still_over(project, lease, kept.state.name)
        if is_dropped:
            yield kept.state.name


def _drop_if_still_over(project: "Project", lease: "Lease", slot: str) -> bool:
    """Whether the slot was dropped. Before the lease was taken, the stream may have moved it on or taken another."""
    from export_pipelines.streaming.horizons.kept import drop_slot

    kept = next((kept for kept in kept_slots(project) if kept.state.name == slot), None)
    if kept is None or kept.stream != lease.export or not kept.is_to_drop:
        return False
    if not drop_slot(project.settings.source_url.get_secret_value(), slot):
        return False
    _record(project, lease, kept, project.now())
    return True


def _notice(project: "Project", kept: KeptSlot) -> None:
    """Also of a stream that nobody runs, and that cannot say it itself."""
    from export_pipelines.ledger import Alert

    if kept.stream and kept.fault:
        at = project.now()
        key = f"stream:{kept.state.name}:kept:{at:%Y-%m-%d}"
        project.ledger.notice(Alert(key, kept.stream, "anomaly", kept.fault, kept.remedy, at))


def _record(project: "Project", lease: "Lease", kept: KeptSlot, at: datetime) -> None:
    from export_pipelines.ledger import Alert, AuditAction, AuditRecord

    assert kept.stream is not None and kept.fault is not None
    text = f"{kept.fault}; it was dropped, as `wal` of the export says, and rows are missing"
    then = f"export-pipelines stream restart {kept.stream} --from TIME"
    lease.alert(Alert(f"stream:{kept.state.name}:dropped", kept.stream, "failure", text, then, at))
    project.trail.record(
        AuditRecord(SWEEPER, AuditAction.STREAM, kept.stream, detail={"change": "slot dropped"})
    )
    log.warning("a replication slot was dropped", extra={"export": kept.stream})


def _streams(project: "Project") -> "Streams":
    from export_pipelines.ledger import Streams

    return Streams(project.ledger.engine, project.ledger.locks)
