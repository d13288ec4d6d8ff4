"""Seals an artifact where it lies: what is stored of it changes, what it holds does not."""

import io
import secrets
from typing import BinaryIO

from export_pipelines.artifacts.manifest import RERUN, Part
from export_pipelines.artifacts.sealing.store import MARK_BYTES, SealedStaging, SealedStore
from export_pipelines.artifacts.sealing.stream import SEGMENT_BYTES
from export_pipelines.errors import DamagedArtifact
from export_pipelines.files.digest import digest_of
from export_pipelines.key_versions import key_not_set


def seal_in_place(store: SealedStore, artifact: str) -> bool:
    """Seals a plain artifact; False for one that was sealed before, of which what a killed try left is removed.

    Sealed files are written beside the plain ones and read back; then the manifest is replaced, and the plain ones are
    removed. Raises SettingsError without a master key, DamagedArtifact for a part that is not what the manifest says.
    """
    manifest = store.manifest(artifact)
    if manifest.is_sealed:
        if store.files(artifact).keys() - {file.stored_name for file in manifest.files}:
            with store.store.amend(artifact) as tidied:
                tidied.commit(manifest)
        return False
    if store.masters is None:
        raise key_not_set("MASTER_KEY", "seal")
    mark = secrets.token_hex(MARK_BYTES)
    with store.amend(artifact) as staging:
        if not isinstance(staging, SealedStaging):
            raise TypeError("the store seals nothing")
        for number, part in enumerate(manifest.files, start=1):
            stored_name = f".sealed_{mark}_{number}"
            sink = staging.open_part_as(part.name, stored_name)
            with store.open(artifact, part.name) as plain:
                _require(part, digest_of(plain, sink), artifact)
            sink.finish()
            with store.open_sealed(artifact, part, stored_name) as opened:
                sealed: BinaryIO = io.BufferedReader(opened, SEGMENT_BYTES)
                _require(part, digest_of(sealed), artifact)
        staging.commit(manifest)
    return True


def _require(part: Part, content: tuple[int, str], artifact: str) -> None:
    if content != (part.bytes, part.sha256):
        raise DamagedArtifact(
            "the part is not what the manifest says, so it was not sealed",
            where=f"{artifact}/{part.name}",
            remedy=RERUN,
        )
