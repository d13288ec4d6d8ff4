"""What the audit says of runs, deliveries and artifacts that people open."""

from collections.abc import Iterable, Iterator

from export_pipelines.artifacts import Manifest
from export_pipelines.errors import ExportError
from export_pipelines.ledger import AuditAction, AuditOutcome, AuditRecord, Delivery
from export_pipelines.plan import Plan
from export_pipelines.system_user import system_user


def opened(manifests: Iterable[Manifest], actor: str | None, read: bool) -> Iterator[AuditRecord]:
    """That a person read artifacts, or had them verified; of what is sealed also that its data key was used."""
    for manifest in manifests:
        who, owner = actor or system_user(), owner_of(manifest)
        if any(part.sealed_sha256 for part in manifest.parts):
            used = {"key": "data key", "for": "reading" if read else "verifying"}
            yield AuditRecord(who, AuditAction.KEY_USE, manifest.artifact, owner=owner, detail=used)
        if read:
            content = {"rows": manifest.rows, "sha256": manifest.digest}
            yield AuditRecord(who, AuditAction.DOWNLOAD, manifest.artifact, owner=owner, detail=content)


def owner_of(manifest: Manifest) -> str | None:
    """Whose rights the artifact was made with."""
    owner = manifest.rights.get("owner")
    return owner if isinstance(owner, str) else None


def run_record(manifest: Manifest, actor: str | None, owner: str | None) -> AuditRecord:
    """That a run wrote an artifact."""
    facts = {
        "type": manifest.type,
        "rows": manifest.rows,
        "bytes": manifest.bytes,
        "narrowed": bool(manifest.rights.get("narrowed")),
        "sha256": manifest.digest,
    }
    return AuditRecord(actor or system_user(), AuditAction.RUN, manifest.artifact, owner=owner, detail=facts)


def failed_run(plan: Plan, actor: str | None, error: ExportError) -> AuditRecord:
    """That a run wrote nothing."""
    subject, facts = f"{plan.export}/{plan.extract.window.key}", {"type": plan.type, "code": error.code}
    who = actor or system_user()
    return AuditRecord(who, AuditAction.RUN, subject, AuditOutcome.FAILED, plan.owner, facts)


def delivery_record(delivery: Delivery, manifest: Manifest, actor: str | None) -> AuditRecord:
    """That an artifact goes to a destination, before it is known how that ends."""
    action = AuditAction.DOWNLOAD if delivery.kind == "download" else AuditAction.DELIVER
    facts = {"to": delivery.number, "kind": delivery.kind, "rows": manifest.rows}
    who, owner = actor or system_user(), owner_of(manifest)
    return AuditRecord(who, action, delivery.artifact, owner=owner, detail=facts)
