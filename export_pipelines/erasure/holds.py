"""What is on hold: artifacts by their names, and those that hold a lead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from export_pipelines.artifacts import Manifest, Store
from export_pipelines.erasure.lead_search import holds_lead
from export_pipelines.ledger import Hold, Holds, Ledger

MARK_DIGITS = 16
Targets = Mapping[str, Manifest | None]  # artifacts by name; None where there is no manifest to be read


def as_subject(mark: int) -> str:
    """A lead's mark as a hold names it."""
    return f"{mark:0{MARK_DIGITS}x}"


@dataclass(frozen=True)
class HeldArtifacts:
    """Tells which hold stands on an artifact. An artifact without an index, or of which only the name is known, is on hold
    as long as any lead is: nobody knows whether it holds that lead."""

    holds: Sequence[Hold]
    store: Store

    @classmethod
    def of(cls, ledger: Ledger, store: Store) -> "HeldArtifacts":
        return cls(Holds(ledger.engine).standing(), store)

    def hold_on(self, manifest: Manifest) -> Hold | None:
        for hold in self.holds:
            if hold.kind == "artifact" and hold.subject == manifest.artifact:
                return hold
            if hold.kind == "lead" and holds_lead(manifest, self.store, int(hold.subject, 16)) is not False:
                return hold
        return None

    def hold_on_name(self, artifact: str) -> Hold | None:
        """The same where there is no manifest to be read."""
        return next((hold for hold in self.holds if hold.kind == "lead" or hold.subject == artifact), None)

    def among(self, targets: "Targets") -> dict[str, Hold]:
        """Those that are on hold, each with its first hold."""
        first = {
            artifact: self.hold_on(manifest) if manifest else self.hold_on_name(artifact)
            for artifact, manifest in targets.items()
        }
        return {artifact: hold for artifact, hold in first.items() if hold is not None}


def described(hold: Hold) -> str:
    subject = f"lead {hold.subject}" if hold.kind == "lead" else hold.subject
    return f"hold {hold.id} on {subject} of {hold.placed_at:%Y-%m-%d} by {hold.placed_by}: {hold.reason}"
