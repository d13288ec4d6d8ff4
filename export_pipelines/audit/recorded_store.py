"""A store that records in the audit whom it refuses to open a part: a wrong master key, or a KMS that refuses."""

from dataclasses import dataclass
from typing import BinaryIO

from export_pipelines.artifacts.store_around import StoreAround
from export_pipelines.audit.trail import AuditTrail


@dataclass(frozen=True)
class RecordedStore(StoreAround):
    """`actor` opens parts for what is `asked`; None is the system's user. See `AuditTrail.refused`."""

    trail: AuditTrail
    actor: str | None
    asked: str

    def open(self, artifact: str, part_name: str, start: int = 0) -> BinaryIO:
        with self.trail.refusals(self.actor, self.asked, artifact):
            return self.store.open(artifact, part_name, start)
