"""A committed artifact of a folder store gets other files: new ones beside the old, then the manifest, then the old go."""

import logging
import os
from pathlib import Path

from export_pipelines.artifacts.folder.names import LOCK_NAME, MUTEX_NAME, TEMPORARY, check_part_name
from export_pipelines.artifacts.folder.staging import FolderPart, write_durably
from export_pipelines.artifacts.manifest import MANIFEST_NAME, Manifest
from export_pipelines.artifacts.staged import AbortedUnlessCommitted, require_whole, same_name
from export_pipelines.errors import RetryableError, StoreError
from export_pipelines.files.locking import locked, sync_folder, try_lock
from export_pipelines.files.os_errors import store_errors

log = logging.getLogger(__name__)


class FolderAmendment(AbortedUnlessCommitted):
    """See `store.Store.amend` for what it owes. While its lock is held no sweep looks at the artifact; after a kill the
    next sweep removes what the manifest does not list."""

    def __init__(self, root: Path, artifact: str) -> None:
        self.root, self.artifact, self.folder = root, artifact, root / artifact
        self._parts: dict[str, FolderPart] = {}
        with store_errors("amend the artifact", self.folder), locked(root / MUTEX_NAME):
            self._lock = try_lock(self.folder / LOCK_NAME)
        if self._lock is None:
            raise RetryableError("another process is changing the artifact right now", where=artifact)

    def open_part(self, name: str) -> FolderPart:
        if name in self._parts:
            raise same_name(name, self.artifact)
        self._parts[name] = part = FolderPart(self.folder / check_part_name(name))
        return part

    def commit(self, manifest: Manifest) -> Manifest:
        if self._lock is None:
            raise StoreError("the artifact is already committed or aborted", where=self.artifact)
        files = {path.name: path for path in self.folder.iterdir() if path.is_file()}
        require_whole(manifest, self.artifact, {name: path.stat().st_size for name, path in files.items()})
        temporary = self.folder / (MANIFEST_NAME + TEMPORARY)
        with store_errors("amend the artifact", self.folder):
            write_durably(temporary, manifest.to_json())
            sync_folder(self.folder)
            temporary.replace(self.folder / MANIFEST_NAME)
            sync_folder(self.folder)
            for name in files.keys() - {MANIFEST_NAME, *(file.stored_name for file in manifest.files)}:
                files[name].unlink(
                    missing_ok=True
                )  # with the lock's own file; a killed try may have left `temporary`
            sync_folder(self.folder)
        self._release()
        log.debug("artifact amended", extra={"artifact": self.artifact})
        return manifest

    def abort(self) -> None:
        if self._lock is None:
            return
        try:
            with store_errors("remove what was not amended", self.folder):
                listed = _listed(self.folder, self.artifact)
                for name, part in self._parts.items():
                    part.abort()
                    if name not in listed:
                        part.path.unlink(missing_ok=True)
                (self.folder / LOCK_NAME).unlink(missing_ok=True)
        finally:
            self._release()

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _listed(folder: Path, artifact: str) -> set[str]:
    """What the manifest lists that stands there: the new one, where the error came after it."""
    manifest = Manifest.of(artifact, (folder / MANIFEST_NAME).read_bytes())
    return {file.stored_name for file in manifest.files}
