"""Takes back the delivered copies of an artifact, those included that attempts left which did not arrive."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from export_pipelines.definition.delivery import read_entry
from export_pipelines.delivery import Receipt, Resources, discard_encrypted, open_removing
from export_pipelines.delivery.removal import Placing, Removal, all_left, delivered_digests
from export_pipelines.errors import ExportError
from export_pipelines.ledger import (
    Delivery,
    Ledger,
    copies_of_others,
    earlier_placings,
    handed_over,
    unfinished_placings,
)

BUSY = "another process is delivering there right now"
NEVER = "nothing can be taken back from there"
NOT_NOW = "retention takes nothing back from destinations"
DAMAGED = "the manifest is damaged, so nobody knows what was delivered"


@dataclass(frozen=True)
class Copy:
    """A delivery, and what became of its files at the destination. `places` are where they are, or were."""

    delivery: Delivery
    removal: Removal
    places: tuple[str, ...]

    def as_detail(self) -> dict[str, Any]:
        """For the audit: no address, which may be a person's; the delivery's id leads to it."""
        reasons = sorted(set(self.removal.left.values()))
        return {
            "delivery": self.delivery.id,
            "kind": self.delivery.kind,
            "removed": len(self.removal.removed),
            "left": len(self.removal.left),
            "unreached": len(self.removal.unreached),
            "why": reasons,
        }


@dataclass(frozen=True)
class Copies:
    """The copies of artifacts at their destinations. Without `resources` they stay, as with retention."""

    ledger: Ledger
    resources: Resources | None

    def busy(self, delivery: Delivery) -> Copy:
        """What another process has in hand stays."""
        files = delivery.receipt.files if delivery.receipt else ("",)
        return Copy(delivery, all_left(files, BUSY, unreached=True), _places(delivery, ()))

    def take_back(self, delivery: Delivery, parts: Mapping[str, str] | None) -> Copy | None:
        """Of a delivery whose lock is held; None where no copy lies anywhere. `parts` are the SHA-256 of the artifact's parts
        by name; None where nobody knows them."""
        if self.resources:
            discard_encrypted(self.resources.settings.home, delivery.id)
        unfinished = unfinished_placings(self.ledger.engine, delivery)
        if not (unfinished or delivery.receipt) and delivery.attempts:
            unfinished = earlier_placings(self.ledger.engine, delivery, (parts or {}).values())
        removals = [self._removal(delivery, placing, tuple(placing.files)) for placing in unfinished]
        if delivery.receipt:
            removals.append(self._delivered(delivery, delivery.receipt, parts))
        elif not unfinished and (unknown := self._handed_over(delivery)):
            removals.append(unknown)
        return Copy(delivery, _together(removals), _places(delivery, unfinished)) if removals else None

    def _delivered(self, delivery: Delivery, receipt: Receipt, parts: Mapping[str, str] | None) -> Removal:
        if parts is None and not receipt.digests:
            return all_left(receipt.files, DAMAGED)
        digests = delivered_digests(receipt, (parts or {}).values())
        placing = Placing(receipt.target, delivery.export, delivery.window_key, digests)
        return self._removal(delivery, placing, receipt.files)

    def _handed_over(self, delivery: Delivery) -> Removal | None:
        if number := handed_over(self.ledger.engine, delivery.id):
            return all_left(map(str, range(number)), f"it was handed over, and {NEVER}")
        is_unknown = delivery.state in ("uncertain", "sending")
        return all_left([""], "nobody knows whether it arrived") if is_unknown else None

    def _removal(self, delivery: Delivery, placing: Placing, files: Iterable[str]) -> Removal:
        if self.resources is None:
            return all_left(files, NOT_NOW)
        shared = self._shared(delivery, placing)
        own = {name: sha256 for name, sha256 in placing.files.items() if name not in shared}
        try:
            destination = open_removing(read_entry(delivery.entry), self.resources)
            if destination is None:
                return all_left(files, NEVER)
            removal = destination.remove(replace(placing, files=own)) if own else Removal()
        except ExportError as error:
            return all_left(files, error.what, unreached=True)
        return replace(removal, left={**shared, **removal.left})

    def _shared(self, delivery: Delivery, placing: Placing) -> dict[str, str]:
        """Of the files those that other artifacts delivered there too, with the reason why they stay."""
        shared = dict[str, str]()
        for other in copies_of_others(self.ledger.engine, delivery.artifact, placing.place):
            files = other.receipt.digests or (placing.files if other.is_same else {})
            common = [name for name, sha256 in placing.files.items() if files.get(name) == sha256]
            shared |= dict.fromkeys(common, f"it is the copy of {other.artifact} too")
        return shared


def _together(removals: Iterable[Removal]) -> Removal:
    together = Removal()
    for removal in removals:
        together = Removal(
            together.removed + removal.removed,
            {**together.left, **removal.left},
            together.unreached + removal.unreached,
        )
    return together


def _places(delivery: Delivery, unfinished: Iterable[Placing]) -> tuple[str, ...]:
    target = delivery.receipt.target if delivery.receipt else delivery.target
    places = [placing.place for placing in unfinished]
    return tuple(dict.fromkeys([*([target] if delivery.receipt or not places else []), *places]))
