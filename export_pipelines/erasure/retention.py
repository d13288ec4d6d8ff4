"""What no longer has to be kept: artifacts whose export says a `retention` that is over."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from export_pipelines.artifacts import Manifest, Store
from export_pipelines.artifacts.token import time_of
from export_pipelines.definition import ExportDefinition
from export_pipelines.delivery import Unused, sweep_encrypted
from export_pipelines.erasure.erase import Eraser
from export_pipelines.erasure.holds import HeldArtifacts
from export_pipelines.erasure.locked_deliveries import locked_deliveries
from export_pipelines.errors import ExportError, OnHold, RequestError, StoreError
from export_pipelines.ledger import ENDED_BADLY, OPEN, ExportRequests, Ledger, RunLeases
from export_pipelines.ledger.silence import LedgerSilent
from export_pipelines.plan.window import before

ACTOR = "retention"  # in the audit: nobody asked for it but the export
DAMAGED = (
    "its retention is over, but its manifest is damaged, so nothing of it is removed; "
    "export-pipelines verify {artifact} tells more, export-pipelines erase {artifact} removes it"
)
log = logging.getLogger(__name__)


@dataclass
class Swept:
    """What a sweep `removed`, by name; `failures` maps what could not be removed to the reason, and `damaged` are artifacts
    that a person has to look at."""

    removed: list[str] = field(default_factory=list)
    failures: dict[str, ExportError] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)

    def warnings(self) -> list[str]:
        return [f"{artifact}: {DAMAGED.format(artifact=artifact)}" for artifact in self.damaged]

    def errors(self) -> list[str]:
        return [f"{name}: {error}" for name, error in self.failures.items()]

    def require_complete(self) -> None:
        """Raises StoreError where something could not be removed."""
        if self.failures:
            raise StoreError(
                "not everything could be removed: " + "; ".join(self.errors()),
                remedy="see to what is named, then: export-pipelines sweep",
            )

    @contextmanager
    def trying(self, name: str) -> Iterator[None]:
        """What fails in the block is told at the end, and keeps nothing else from being removed; without the ledger nothing
        can be."""
        try:
            yield
        except LedgerSilent:
            raise
        except ExportError as error:
            log.warning("not removed", extra={"subject": name, "code": error.code})
            self.failures[name] = error


def to_be_swept(
    definitions: Iterable[ExportDefinition], store: Store, ledger: Ledger, now: datetime
) -> Swept:
    """What a sweep would find at `now`: the artifacts that it would remove, and the damaged ones."""
    manifests, damaged = _over(definitions, store, ledger, now)
    return Swept([manifest.artifact for manifest in manifests], damaged=damaged)


def _over(
    definitions: Iterable[ExportDefinition], store: Store, ledger: Ledger, now: datetime
) -> tuple[list[Manifest], list[str]]:
    """Artifacts of exports with a `retention`, older than it at `now`; none that has not arrived everywhere yet, or is on hold.
    With them those of which the manifest is damaged, by the time in their names.

    An export that is no longer there says nothing, so its artifacts stay. Those of ad-hoc exports are kept as long as their
    requests.
    """
    undelivered = {delivery.artifact for delivery in ledger.deliveries(states=(*OPEN, *ENDED_BADLY))}
    held_artifacts = HeldArtifacts.of(ledger, store)
    kept_for = [
        (definition.name, before(now, definition.retention))
        for definition in definitions
        if definition.retention
    ]
    kept_for += [(request.export, now) for request in ExportRequests(ledger.engine).expired(now)]
    manifests, damaged = list[Manifest](), list[str]()
    for export, oldest in kept_for:
        listing = store.listing(export)
        manifests += [
            manifest
            for manifest in listing.manifests
            if manifest.created_at < oldest
            and manifest.artifact not in undelivered
            and held_artifacts.hold_on(manifest) is None
        ]
        damaged += [artifact for artifact in listing.damaged if (time_of(artifact) or now) < oldest]
    return manifests, damaged


def sweep(
    definitions: Iterable[ExportDefinition], store: Store, ledger: Ledger, now: datetime, home: Path
) -> Swept:
    """Erases what has expired, but for its delivered copies, and removes what killed runs and deliveries left in the store
    and in `home`. The ledger keeps its record, but not of leases that ended long ago; the audit says what was erased."""
    log.info("sweep started")
    manifests, damaged = _over(definitions, store, ledger, now)
    swept, eraser = Swept(damaged=damaged), Eraser(store, ledger, ACTOR, lambda: now)
    for manifest in manifests:
        with swept.trying(manifest.artifact):
            if _erased(manifest, eraser):
                swept.removed.append(manifest.artifact)
    number = len(swept.removed)
    requests = ExportRequests(ledger.engine)
    for request in requests.expired(now):
        with swept.trying(request.export):
            listing = store.listing(request.export)
            if not (listing.manifests or listing.damaged):
                requests.change(request.id, definition=None, deleted_at=now)
    leases = RunLeases(ledger.engine, lambda: now).forget()
    debris: dict[str, Callable[[], Iterable[str]]] = {
        "what killed runs left in the store": store.sweep,
        "what deliveries left in HOME": lambda: sweep_encrypted(home, _unused(ledger)),
    }
    for name, remove in debris.items():
        with swept.trying(name):
            swept.removed += remove()
    with swept.trying("the locks of the ledger"):
        ledger.locks.sweep()
    counts = {"expired": number, "debris": len(swept.removed) - number, "leases": leases}
    log.info("sweep finished", extra={**counts, "failures": len(swept.failures)})
    return swept


def _erased(manifest: Manifest, eraser: Eraser) -> bool:
    """False for an artifact that has to be kept since it was looked at: a delivery of it was begun, or a hold was placed; or
    that somebody else erased."""
    artifact = manifest.artifact
    with locked_deliveries(eraser.ledger, artifact) as locked:
        if not locked.are_over:
            return False
        try:
            eraser.erase_locked(artifact, {"why": "retention"}, locked)
        except OnHold:
            return False
        except RequestError:
            listing = eraser.store.listing(manifest.export)
            if artifact in {*listing.damaged, *(other.artifact for other in listing.manifests)}:
                raise
            return False
    log.debug("expired", extra={"artifact": artifact, "created_at": manifest.created_at.isoformat()})
    return True


def _unused(ledger: Ledger) -> Unused:
    """Whether no attempt at a delivery runs, and none will be made by itself."""

    @contextmanager
    def unused(delivery_id: str) -> Iterator[bool]:
        try:
            delivery = ledger.delivery(delivery_id)
        except RequestError:  # a folder of keys, or of a ledger that is no longer there
            yield True
            return
        with ledger.locks.hold(delivery.lock_key) as is_free:
            yield is_free and ledger.delivery(delivery_id).state not in OPEN

    return unused
