"""Evidence of one artifact: a ZIP file for a dispute or an auditor, which is verified with sha256sum and openssl alone.

In come the artifact's manifest, its receipts and the audit; out goes one file, signed with AUDIT_KEY."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from export_pipelines.artifacts import Manifest, Store
from export_pipelines.errors import RequestError
from export_pipelines.files.private import FILE_MODE
from export_pipelines.ledger import AuditEntry, Ledger
from export_pipelines.ledger.audit_entries import FIRST
from export_pipelines.ledger.checkpoint import Checkpoint, Signer, open_note, public_pem, signature_in
from export_pipelines.ledger.verify_audit import kept_notes, sign_checkpoint, verify_chain

PAGE = Path(__file__).with_name("evidence.txt")
SUMS = "SHA256SUMS"


@dataclass(frozen=True)
class Chain:
    """The audit from the first entry of an artifact's life to the checkpoint. `before` is the hash that the first of
    `texts` follows, `own` are the ids of the artifact's entries."""

    before: str
    texts: tuple[str, ...]
    own: tuple[int, ...]


def write_evidence(
    artifact: str, store: Store, ledger: Ledger, signer: Signer, at: datetime, output: BinaryIO
) -> None:
    """Writes the file. Of an artifact that was erased it has no manifest, but the record of its erasure.

    Raises RequestError for an artifact that neither the store nor the audit knows, and for an audit that does not hold.
    """
    entries = ledger.audit()
    own = tuple(entry.id for entry in entries if entry.subject == artifact)
    manifest = _manifest(artifact, store, known=bool(own))
    note, checkpoint = _checkpoint(own, ledger, signer, at)
    state = verify_chain(ledger.engine, [checkpoint])
    if state.faults:
        what = f"the audit does not hold: {state.faults[0]}"
        raise RequestError(what, remedy="export-pipelines audit verify")
    chain = _chain(entries[: checkpoint.size], own)
    files = dict(_files(artifact, manifest, ledger, signer, note, chain))
    files[SUMS] = _sums({name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())})
    files[f"{SUMS}.sig"] = signer.sign(files[SUMS])
    with ZipFile(output, "w", ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = ZipInfo(name, at.timetuple()[:6])
            info.external_attr = FILE_MODE << 16
            archive.writestr(info, data, ZIP_DEFLATED)


def _files(
    artifact: str, manifest: Manifest | None, ledger: Ledger, signer: Signer, note: str, chain: Chain
) -> Iterator[tuple[str, bytes]]:
    text, signature = signature_in(note, signer.public)
    yield "public_key.pem", public_pem(signer.public).encode()
    yield "checkpoint.txt", text.encode()
    yield "checkpoint.sig", signature
    yield "checkpoint.note", note.encode()
    yield "audit.txt", "".join(f"{line}\n" for line in chain.texts).encode()
    yield "audit_start.txt", f"{chain.before}\n".encode()
    yield "audit_of_artifact.txt", "".join(f"{id}\n" for id in chain.own).encode()
    if manifest is not None:
        yield "manifest.json", manifest.as_delivered().to_json()
        yield "parts.sha256", _sums({part.name: part.sha256 for part in manifest.parts})
    for delivery in ledger.deliveries(artifact=artifact):
        if delivery.receipt is not None:
            yield f"receipts/{delivery.number}_{delivery.kind}.json", delivery.receipt.to_json().encode()
    state = "" if manifest else "The artifact was erased: this file holds no manifest of it.\n"
    page = PAGE.read_text(encoding="utf-8").replace("{artifact}", artifact).replace("{state}", state)
    yield "README.txt", page.encode()


def _sums(digests: Mapping[str, str]) -> bytes:
    return "".join(f"{sha256}  {name}\n" for name, sha256 in digests.items()).encode()


def _manifest(artifact: str, store: Store, known: bool) -> Manifest | None:
    try:
        return store.manifest(artifact)
    except RequestError:
        if not known:
            raise
    return None


def _checkpoint(own: Sequence[int], ledger: Ledger, signer: Signer, at: datetime) -> tuple[str, Checkpoint]:
    """The first checkpoint that is kept after the last entry of the artifact, or a new one."""
    for note in kept_notes(ledger.engine):
        try:
            checkpoint = open_note(note, signer.public)
        except RequestError:
            continue  # of another key
        if own and checkpoint.size >= own[-1]:
            return note, checkpoint
    note = sign_checkpoint(ledger.engine, signer, at)
    return note, open_note(note, signer.public)


def _chain(entries: Sequence[AuditEntry], own: tuple[int, ...]) -> Chain:
    """From the first of the `own` entries to the last of all."""
    start = own[0] - 1 if own else len(entries)
    hashes = [FIRST, *(entry.hash for entry in entries)]
    texts = (entry.text_after(hashes[entry.id - 1]) for entry in entries[start:])
    return Chain(hashes[start], tuple(texts), own)
