"""An artifact in the making, in a folder: parts under a temporary name, the manifest last. Its lock dies with us."""

import logging
import os
import shutil
from pathlib import Path

from export_pipelines.artifacts.folder.journal import FolderJournal
from export_pipelines.artifacts.folder.names import (
    JOURNAL_NAME,
    LOCK_NAME,
    MUTEX_NAME,
    TEMPORARY,
    check_part_name,
)
from export_pipelines.artifacts.manifest import MANIFEST_NAME, Manifest
from export_pipelines.artifacts.staged import AbortedUnlessCommitted, require_whole, same_name
from export_pipelines.errors import ExportError, StoreError
from export_pipelines.files.locking import locked, sync_folder, try_lock
from export_pipelines.files.os_errors import store_errors
from export_pipelines.files.private import FOLDER_MODE, make_folder, open_new, opener

BUFFER_BYTES = 1024 * 1024
log = logging.getLogger(__name__)


class FolderPart:
    """One file being written as `<name>.tmp`; `finish` makes it durable and gives it its name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.temporary = path.with_name(path.name + TEMPORARY)
        with store_errors("write a part", path.parent):
            self._file = open_new(self.temporary, BUFFER_BYTES)

    def write(self, data: bytes) -> None:
        with store_errors("write a part", self.path.parent):
            self._file.write(data)

    def finish(self) -> None:
        with store_errors("finish a part", self.path.parent):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self.temporary.rename(self.path)

    def abort(self) -> None:
        try:
            self._file.close()
        except OSError:
            pass  # the disk is full: what could not be flushed is not wanted any more
        finally:
            self.temporary.unlink(missing_ok=True)


class FinishedPart:
    """A file that an earlier run has finished."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def abort(self) -> None:
        """It goes with its folder."""


class FolderStaging(AbortedUnlessCommitted):
    """The Staging of a folder store; see `store.Staging` for what it owes."""

    def __init__(self, root: Path, artifact: str) -> None:
        self.root, self.artifact, self.folder = root, artifact, root / artifact
        self._parts: dict[str, FolderPart | FinishedPart] = {}
        self._lock: int | None = None
        try:
            with store_errors("make the artifact's folder", root):
                self._create()
        except ExportError:
            with store_errors("tidy up", root):
                remove_empty(self.folder.parent, root)
            raise

    def _create(self) -> None:
        make_folder(self.root)
        with locked(self.root / MUTEX_NAME):  # else a sweep could come between the folder and its lock
            make_folder(self.folder.parent)
            self.folder.mkdir(FOLDER_MODE)
            try:
                self._lock = try_lock(self.folder / LOCK_NAME)
            except OSError:
                shutil.rmtree(self.folder, ignore_errors=True)
                raise

    def open_part(self, name: str) -> FolderPart:
        if name in self._parts:
            raise same_name(name, self.artifact)
        log.debug("part opened", extra={"artifact": self.artifact, "part": name})
        part = FolderPart(self.folder / check_part_name(name))
        self._parts[name] = part
        return part

    def journal(self) -> FolderJournal:
        return FolderJournal(self)

    def adopt(self, path: Path) -> None:
        """A finished part of another artifact becomes one of this."""
        self._parts[path.name] = FinishedPart(self.folder / check_part_name(path.name))
        path.rename(self.folder / path.name)

    def commit(self, manifest: Manifest) -> Manifest:
        self._require_open()
        require_whole(manifest, self.artifact, self._stored())
        temporary = self.folder / (MANIFEST_NAME + TEMPORARY)
        with store_errors("commit the artifact", self.folder):
            self._remove_unlisted(manifest)
            (self.folder / JOURNAL_NAME).unlink(missing_ok=True)
            write_durably(temporary, manifest.to_json())
            sync_folder(self.folder)  # the parts' names, before the manifest that vouches for them
            temporary.rename(self.folder / MANIFEST_NAME)
            for folder in (self.folder, self.folder.parent, self.folder.parent.parent, self.root):
                sync_folder(folder)
            (self.folder / LOCK_NAME).unlink()
        self._release()
        log.debug("committed", extra={"artifact": self.artifact})
        return manifest

    def abort(self) -> None:
        if self._lock is None:
            return
        log.debug("removing an unfinished artifact", extra={"artifact": self.artifact})
        try:
            with store_errors("remove an unfinished artifact", self.folder):
                for part in self._parts.values():
                    part.abort()
                with locked(self.root / MUTEX_NAME):
                    remove_artifact_folder(self.folder, self.root)
        finally:
            self._release()

    def _require_open(self) -> None:
        if self._lock is None:
            raise StoreError("the artifact is already committed or aborted", where=self.artifact)

    def _stored(self) -> dict[str, int]:
        with store_errors("read a finished part", self.folder):
            finished = (part.path for part in self._parts.values() if part.path.is_file())
            return {path.name: path.stat().st_size for path in finished}

    def _remove_unlisted(self, manifest: Manifest) -> None:
        listed = {file.stored_name for file in manifest.files}
        for name, part in self._parts.items():
            part.abort()
            if name not in listed:
                part.path.unlink(missing_ok=True)

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def write_durably(path: Path, data: bytes) -> None:
    with open(path, "wb", opener=opener) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def remove_artifact_folder(folder: Path, root: Path) -> None:
    """Removes an artifact's folder, manifest first, and the folders above it that are then empty."""
    (folder / MANIFEST_NAME).unlink(missing_ok=True)  # killed in between, what is left is debris, no artifact
    if folder.exists():
        shutil.rmtree(folder)
    remove_empty(folder.parent, root)


def remove_empty(folder: Path, root: Path) -> None:
    """Removes `folder` and those above it, up to `root` and not itself, as long as they are empty."""
    while folder != root and root in folder.parents:
        if folder.is_dir():
            if any(folder.iterdir()):
                return
            folder.rmdir()
        folder = folder.parent
