"""Erases artifacts: the data key first, which reaches every copy of a sealed one, then delivered copies, Dagster's record of
the run, and the files; and says so in the audit, before it begins and after it ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from export_pipelines.artifacts import Manifest, Store
from export_pipelines.artifacts.sealing import sealed_store
from export_pipelines.definition.delivery import read_entry
from export_pipelines.delivery import Receipt, Resources, open_destination
from export_pipelines.delivery.removal import Removal, Removing, all_left, delivered_digests
from export_pipelines.erasure.holds import HeldArtifacts, Targets, described
from export_pipelines.erasure.record import ErasureRecord
from export_pipelines.errors import DamagedArtifact, ExportError, OnHold, RequestError
from export_pipelines.ledger import (
    AuditAction,
    AuditOutcome,
    Delivery,
    Ledger,
    mark_erased,
    other_artifact_of_same_copy,
    run_of,
)

BUSY = "another process is delivering there right now"


@dataclass(frozen=True)
class Copy:
    """A delivery, and what became of its files at the destination."""

    delivery: Delivery
    removal: Removal

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
class Erasure:
    """What was erased. `run` is Dagster's run whose record was erased too, `run_left` says why it was not."""

    artifact: str
    sealed: bool
    copies: tuple[Copy, ...]
    run: str | None = None
    run_left: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left that a second try could reach."""
        return self.run_left is None and not any(copy.removal.unreached for copy in self.copies)


@dataclass(frozen=True)
class Eraser:
    """Erases artifacts of `store` for `actor`. Without `resources` delivered copies stay, as with retention.

    `forget_run` erases Dagster's record of a run, and raises ExportError where it cannot.
    """

    store: Store
    ledger: Ledger
    actor: str
    now: Callable[[], datetime]
    resources: Resources | None = None
    forget_run: Callable[[str], None] | None = None

    def erase(self, artifact: str, why: Mapping[str, Any]) -> Erasure:
        """The artifact is gone when this returns; what was sealed opens nowhere any more. `why` is written into the audit.

        Its manifest may be damaged. Ended anywhere, the same call, or `erase_again`, goes on: the manifest goes last. Raises
        RequestError for an artifact that is unknown, OnHold, StoreError where files could not be removed: the key is
        destroyed all the same.
        """
        try:
            manifest = self.store.manifest(artifact)
        except DamagedArtifact:
            manifest = None
        self.require_free({artifact: manifest}, why)
        return self._recorded(artifact, {**why, **self._content(artifact, manifest)})

    def erase_again(self, record: ErasureRecord) -> Erasure:
        """Goes on with an erasure that is not complete: with the copies, and Dagster's record, that it did not reach."""
        detail = {**record.started.detail, "again": record.started.id}
        self.require_free({record.artifact: None}, {"why": detail.get("why"), "again": record.started.id})
        return self._recorded(record.artifact, detail, record)

    def _content(self, artifact: str, manifest: Manifest | None) -> dict[str, Any]:
        if manifest is None:
            return {"sealed": sealed_store(self.store).keys.get(artifact) is not None, "damaged": True}
        return {
            "sealed": manifest.is_sealed,
            "rows": manifest.rows,
            "manifest": manifest.as_delivered().digest,
            "parts": {part.name: part.sha256 for part in manifest.parts},
        }

    def _recorded(
        self, artifact: str, detail: Mapping[str, Any], before: ErasureRecord | None = None
    ) -> Erasure:
        entry = self._record(artifact, detail, AuditOutcome.STARTED)
        try:
            erasure = self._erase(artifact, detail, before)
        except BaseException as error:
            code = error.code if isinstance(error, ExportError) else type(error).__name__
            failed = {"entry": entry, "error": code, "copies": before.reached if before else []}
            self._record(artifact, failed, AuditOutcome.FAILED)
            raise
        ended = {
            "entry": entry,
            "copies": [*(before.reached if before else ()), *(copy.as_detail() for copy in erasure.copies)],
            "run": erasure.run,
            "run_left": erasure.run_left,
        }
        self._record(artifact, ended, AuditOutcome.DONE)
        return erasure

    def require_free(self, targets: Targets, why: Mapping[str, Any]) -> None:
        """Raises OnHold where one is on hold, and records that it was asked for."""
        holds = HeldArtifacts.of(self.ledger, self.store).among(targets)
        for artifact, hold in holds.items():
            detail = {**why, "asked": "erase", "code": OnHold.code, "hold": hold.id}
            self._record(artifact, detail, AuditOutcome.DENIED, AuditAction.DENIED)
        if holds:
            texts = (f"{artifact} is on hold: {described(hold)}" for artifact, hold in holds.items())
            error = OnHold("\n".join(texts), remedy="export-pipelines hold --release releases it")
            error.is_recorded = True  # for each artifact
            raise error

    def forgetting(self, forget_run: Callable[[str], None]) -> "Eraser":
        return replace(self, forget_run=forget_run)

    def _erase(self, artifact: str, detail: Mapping[str, Any], before: ErasureRecord | None) -> Erasure:
        sealed_store(self.store).keys.destroy([artifact], self.now())
        # else a later run might go on with parts that hold what is erased
        self.store.sweep(artifact.partition("/")[0], all_unfinished=True)
        done = {copy["delivery"] for copy in before.reached} if before else set()
        copies = tuple(
            Copy(delivery, self._take_back(delivery, detail.get("parts")))
            for delivery in self._sent(artifact)
            if delivery.id not in done
        )
        run, run_left = (before.run, None) if before and before.run else self._forget_run(artifact)
        self._remove_files(artifact, is_again=before is not None)
        mark_erased(self.ledger.engine, artifact, self.now())
        return Erasure(artifact, bool(detail.get("sealed")), copies, run, run_left)

    def _remove_files(self, artifact: str, is_again: bool) -> None:
        try:
            self.store.remove(artifact)
        except RequestError:
            if not is_again:
                raise
            self.store.sweep(artifact.partition("/")[0])  # parts whose manifest was removed before the kill

    def _sent(self, artifact: str) -> list[Delivery]:
        """The deliveries of which a copy may lie somewhere, or come there while another process sends it."""
        known = (self._settled(delivery) for delivery in self.ledger.deliveries(artifact=artifact))
        return [
            delivery for delivery in known if delivery.receipt or delivery.state in ("uncertain", "sending")
        ]

    def _settled(self, delivery: Delivery) -> Delivery:
        """As it is when nobody sends it; `sending` while another process may do so."""
        with self.ledger.locks.hold(delivery.lock_key) as ours:
            current = self.ledger.delivery(delivery.id)
        return current if ours else replace(current, state="sending")

    def _take_back(self, delivery: Delivery, parts: Mapping[str, str] | None) -> Removal:
        """`parts` are the SHA-256 of the artifact's parts by name; None where nobody knows them."""
        receipt = delivery.receipt
        if receipt is None:
            with self.ledger.locks.hold(delivery.lock_key) as ours:
                if not ours:
                    return Removal(left={"": BUSY}, unreached=("",))
            return Removal(left={"": "nobody knows whether it arrived"})
        why_left = self._why_left(delivery, receipt, parts)
        if why_left or self.resources is None:
            return all_left(receipt, why_left or "retention takes nothing back from destinations")
        try:
            destination = open_destination(read_entry(delivery.entry), self.resources)
            if isinstance(destination, Removing):
                digests = delivered_digests(receipt, (parts or {}).values())
                return self._removed(destination, delivery, receipt, digests)
        except ExportError as error:
            return all_left(receipt, error.what, unreached=True)
        return all_left(receipt, "nothing can be taken back from there")

    def _why_left(self, delivery: Delivery, receipt: Receipt, parts: Mapping[str, str] | None) -> str | None:
        if parts is None and not receipt.digests:
            return "the manifest is damaged, so nobody knows what was delivered"
        other = other_artifact_of_same_copy(self.ledger.engine, delivery.id)
        return f"it is the copy of {other} too" if other is not None else None

    def _removed(
        self, destination: Removing, delivery: Delivery, receipt: Receipt, digests: Mapping[str, str]
    ) -> Removal:
        with self.ledger.locks.hold(delivery.lock_key) as ours:
            if ours:
                return destination.remove(receipt, digests)
        return all_left(receipt, BUSY, unreached=True)

    def _forget_run(self, artifact: str) -> tuple[str | None, str | None]:
        run = run_of(self.ledger.engine, artifact)
        if run is None or self.forget_run is None:
            return None, None
        try:
            self.forget_run(run)
        except ExportError as error:
            return None, error.what
        return run, None

    def _record(
        self,
        artifact: str,
        detail: Mapping[str, Any],
        outcome: AuditOutcome,
        action: AuditAction = AuditAction.ERASED,
    ) -> int:
        return self.ledger.record(self.actor, action, artifact, detail, self.now(), outcome)
