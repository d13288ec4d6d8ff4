"""Erases artifacts: the data key first, which reaches every copy of a sealed one, then delivered copies, Dagster's record of
the run, and the files; and says so in the audit, before it begins and after it ended."""

from collections.abc import Callable, Container, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from export_pipelines.artifacts import Manifest, Store
from export_pipelines.artifacts.sealing import sealed_store
from export_pipelines.delivery import Resources
from export_pipelines.erasure.copies import Copies, Copy
from export_pipelines.erasure.holds import HeldArtifacts, Targets, described
from export_pipelines.erasure.locked_deliveries import LockedDeliveries, locked_deliveries
from export_pipelines.erasure.record import ErasureRecord
from export_pipelines.errors import DamagedArtifact, ExportError, OnHold, RequestError
from export_pipelines.ledger import (
    AuditAction,
    AuditOutcome,
    Delivery,
    Ledger,
    mark_erased,
    run_of,
)

WAIT_S = 60.0  # for deliveries that other processes have in hand, where somebody waits for the answer


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

    `forget_run` erases Dagster's record of a run, and raises ExportError where it cannot. Waits at most `wait_s` for
    deliveries of an artifact that other processes have in hand, after `waiting` was called with each.
    """

    store: Store
    ledger: Ledger
    actor: str
    now: Callable[[], datetime]
    resources: Resources | None = None
    forget_run: Callable[[str], None] | None = None
    wait_s: float = 0
    waiting: Callable[[Delivery], None] | None = None

    def erase(self, artifact: str, why: Mapping[str, Any]) -> Erasure:
        """The artifact is gone when this returns; what was sealed opens nowhere any more. `why` is written into the audit.

        Its manifest may be damaged. Ended anywhere, the same call, or `erase_again`, goes on: the manifest goes last. Raises
        RequestError for an artifact that is unknown, OnHold, StoreError where files could not be removed: the key is
        destroyed all the same.
        """
        with self._locked(artifact) as locked:
            return self.erase_locked(artifact, why, locked)

    def erase_locked(self, artifact: str, why: Mapping[str, Any], locked: LockedDeliveries) -> Erasure:
        """The same, of an artifact of which all deliveries are `locked`."""
        try:
            manifest = self.store.manifest(artifact)
        except DamagedArtifact:
            manifest = None
        self.require_free({artifact: manifest}, why)
        return self._recorded(artifact, {**why, **self._content(artifact, manifest)}, locked)

    def erase_again(self, record: ErasureRecord) -> Erasure:
        """Goes on with an erasure that is not complete: with the copies, and Dagster's record, that it did not reach."""
        detail = {**record.started.detail, "again": record.started.id}
        self.require_free({record.artifact: None}, {"why": detail.get("why"), "again": record.started.id})
        with self._locked(record.artifact) as locked:
            return self._recorded(record.artifact, detail, locked, record)

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
        self,
        artifact: str,
        detail: Mapping[str, Any],
        locked: LockedDeliveries,
        before: ErasureRecord | None = None,
    ) -> Erasure:
        entry = self._record(artifact, detail, AuditOutcome.STARTED)
        try:
            erasure = self._erase(artifact, detail, locked, before)
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

    def _locked(
        self, artifact: str, other_than: Container[tuple[str, int]] = ()
    ) -> AbstractContextManager[LockedDeliveries]:
        return locked_deliveries(self.ledger, artifact, self.wait_s, self.waiting, other_than)

    def _erase(
        self,
        artifact: str,
        detail: Mapping[str, Any],
        locked: LockedDeliveries,
        before: ErasureRecord | None,
    ) -> Erasure:
        sealed_store(self.store).keys.destroy([artifact], self.now())
        # else a later run might go on with parts that hold what is erased
        self.store.sweep(artifact.partition("/")[0], all_unfinished=True)
        reached = {copy["delivery"] for copy in before.reached} if before else set()
        copies = self._take_back(locked, detail.get("parts"), reached)
        run, run_left = (before.run, None) if before and before.run else self._forget_run(artifact)
        self._remove_files(artifact, is_again=before is not None)
        mark_erased(self.ledger.engine, artifact, self.now())
        seen = {(delivery.id, delivery.attempts) for delivery in locked.deliveries}
        with self._locked(artifact, seen) as late:
            begun = {delivery.id for delivery in late.deliveries}
            copies = tuple(copy for copy in copies if copy.delivery.id not in begun)
            copies += self._take_back(late, detail.get("parts"), ())
        return Erasure(artifact, bool(detail.get("sealed")), copies, run, run_left)

    def _remove_files(self, artifact: str, is_again: bool) -> None:
        try:
            self.store.remove(artifact)
        except RequestError:
            if not is_again:
                raise
            self.store.sweep(artifact.partition("/")[0])  # parts whose manifest was removed before the kill

    def _take_back(
        self, locked: LockedDeliveries, parts: Mapping[str, str] | None, reached: Container[str]
    ) -> tuple[Copy, ...]:
        """`parts` are the SHA-256 of the artifact's parts by name, None where nobody knows them; `reached` are the ids of
        deliveries of which nothing is left to be done."""
        delivered = Copies(self.ledger, self.resources)
        copies = [
            delivered.busy(delivery) if delivery.id in locked.busy else delivered.take_back(delivery, parts)
            for delivery in locked.deliveries
            if delivery.id not in reached
        ]
        return tuple(copy for copy in copies if copy)

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
