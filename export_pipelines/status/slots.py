"""The status of replication slots: for each the server of the source keeps WAL, whether its stream runs or not."""

from datetime import datetime

from export_pipelines.diagnosis import Finding
from export_pipelines.kept_slots import KeptSlot, kept_slots
from export_pipelines.project import Project
from export_pipelines.quantities import size
from export_pipelines.status.part import StatusPart


def slots(project: Project, now: datetime) -> StatusPart:
    """Raises SourceError, RetryableError where the source does not answer."""
    kept = kept_slots(project)
    if not kept:
        return StatusPart("slots", [Finding("good", "the source keeps nothing for streams")])
    figures = {
        slot.state.name: {
            "stream": slot.stream,
            "kept_bytes": slot.state.kept_bytes,
            "is_lost": slot.state.is_lost,
        }
        for slot in kept
    }
    return StatusPart("slots", list(map(_finding, kept)), figures)


def _finding(slot: KeptSlot) -> Finding:
    if slot.fault is None:
        return Finding(
            "good", f"{slot.stream}: its replication slot keeps {size(slot.state.kept_bytes)} of WAL"
        )
    return Finding("note" if slot.stream is None else "bad", slot.fault, slot.remedy)
