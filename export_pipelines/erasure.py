"""Erases artifacts: the data key first, which reaches every copy of a sealed one, then the files; and says so in the audit."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from export_pipelines.artifacts import Manifest, Store
from export_pipelines.ledger import AuditAction, Ledger


@dataclass(frozen=True)
class Erasure:
    """What was erased, and the places that got a copy and still have it: nobody but their owners can erase there."""

    artifact: str
    sealed: bool
    copies: tuple[str, ...]


def erase(artifact: str, store: Store, ledger: Ledger, actor: str, now: Callable[[], datetime]) -> Erasure:
    """The store's artifact is gone when this returns; what was sealed opens nowhere any more. Raises RequestError for an
    unknown one, StoreError where the files could not be removed: the key is destroyed all the same."""
    manifest = store.manifest(artifact)
    erasure = Erasure(artifact, is_sealed(manifest), _copies(ledger, artifact))
    detail = {
        "sealed": erasure.sealed,
        "copies": list(erasure.copies),
        "rows": manifest.rows,
        "parts": {part.name: part.sha256 for part in manifest.parts},
    }
    ledger.record(actor, AuditAction.ERASED, artifact, detail, now())
    store.remove(artifact)
    return erasure


def is_sealed(manifest: Manifest) -> bool:
    """Whether the parts of the artifact are sealed where they are stored."""
    return any(part.sealed_sha256 for part in manifest.parts)


def _copies(ledger: Ledger, artifact: str) -> tuple[str, ...]:
    delivered = ledger.deliveries(artifact=artifact, states=("delivered",))
    return tuple(
        delivery.receipt.target for delivery in delivered if delivery.receipt and delivery.receipt.target
    )
