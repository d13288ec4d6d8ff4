"""What no longer has to be kept: artifacts whose export says a `retention` that is over."""

import logging
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from export_pipelines.artifacts import Manifest, Store
from export_pipelines.definition import ExportDefinition
from export_pipelines.delivery import sweep_encrypted
from export_pipelines.erasure.erase import Eraser
from export_pipelines.erasure.holds import HeldArtifacts
from export_pipelines.ledger import ENDED_BADLY, OPEN, ExportRequests, Ledger, RunLeases
from export_pipelines.plan.window import before

ACTOR = "retention"  # in the audit: nobody asked for it but the export
log = logging.getLogger(__name__)


def expired(
    definitions: Iterable[ExportDefinition], store: Store, ledger: Ledger, now: datetime
) -> list[Manifest]:
    """Artifacts of exports with a `retention`, older than it at `now`; none that has not arrived everywhere yet, or is on hold.

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
    return [
        manifest
        for export, oldest in kept_for
        for manifest in store.manifests(export)
        if manifest.created_at < oldest
        and manifest.artifact not in undelivered
        and held_artifacts.hold_on(manifest) is None
    ]


def sweep(
    definitions: Iterable[ExportDefinition], store: Store, ledger: Ledger, now: datetime, home: Path
) -> list[str]:
    """Erases what has `expired`, but for its delivered copies, and removes what killed runs and deliveries left in the store
    and in `home`; returns what was removed. The ledger keeps its record, but not of leases that ended long ago; the audit says what was erased."""
    log.info("sweep started")
    removed, eraser = [], Eraser(store, ledger, ACTOR, lambda: now)
    for manifest in expired(definitions, store, ledger, now):
        eraser.erase(manifest.artifact, {"why": "retention"})
        log.debug(
            "expired", extra={"artifact": manifest.artifact, "created_at": manifest.created_at.isoformat()}
        )
        removed.append(manifest.artifact)
    requests = ExportRequests(ledger.engine)
    for request in requests.expired(now):
        if not store.manifests(request.export):
            requests.change(request.id, definition=None, deleted_at=now)
    leases = RunLeases(ledger.engine, lambda: now).forget()
    debris = [*store.sweep(), *sweep_encrypted(home)]
    ledger.locks.sweep()
    log.info("sweep finished", extra={"expired": len(removed), "debris": len(debris), "leases": leases})
    return [*removed, *debris]
