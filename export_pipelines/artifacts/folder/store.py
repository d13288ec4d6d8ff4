"""Artifacts in a local folder: `<store>/<export>/<window key>/<token>/` with parts and manifest.json."""

import json
import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

from export_pipelines.artifacts.folder.amendment import FolderAmendment
from export_pipelines.artifacts.folder.journal import may_go_on
from export_pipelines.artifacts.folder.names import (
    LOCK_NAME,
    MUTEX_NAME,
    artifact_folders,
    artifact_id,
    check_part_name,
    is_artifact_id,
    unknown_artifact,
)
from export_pipelines.artifacts.folder.staging import FolderStaging, remove_artifact_folder, remove_empty
from export_pipelines.artifacts.listing import Listing
from export_pipelines.artifacts.manifest import MANIFEST_NAME, RERUN, Manifest
from export_pipelines.artifacts.token import recency
from export_pipelines.errors import DamagedArtifact, RequestError, StoreError
from export_pipelines.files.locking import locked, try_lock
from export_pipelines.files.os_errors import store_errors

log = logging.getLogger(__name__)


class FolderStore:
    """A Store in `root`, made at the first run; see `store.Store` for what it owes."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def begin(self, export: str, window_key: str, token: str) -> FolderStaging:
        return FolderStaging(self.root, artifact_id(export, window_key, token))

    def amend(self, artifact: str) -> FolderAmendment:
        self._folder(artifact)
        return FolderAmendment(self.root, artifact)

    def artifacts(self, export: str | None = None, first: str = "", last: str | None = None) -> list[str]:
        with store_errors("list the store", self.root):
            folders = artifact_folders(self.root, export, first, last)
            return [self._id(folder) for folder in folders if is_committed(folder)]

    def listing(self, export: str | None = None) -> Listing:
        return self.read(self.artifacts(export))

    def read(self, artifacts: Iterable[str]) -> Listing:
        manifests, damaged = [], {}
        for artifact in artifacts:
            try:
                manifests.append(self._read(self.root / artifact))
            except DamagedArtifact as error:
                damaged[artifact] = error
            except FileNotFoundError:
                continue  # removed while we were listing
        manifests.sort(key=lambda manifest: recency(manifest.artifact), reverse=True)
        return Listing(tuple(manifests), damaged)

    def manifests(self, export: str | None = None) -> list[Manifest]:
        return list(self.listing(export).manifests)

    def is_empty(self) -> bool:
        with store_errors("list the store", self.root):
            return not any(map(is_committed, artifact_folders(self.root, None)))

    def latest(self, export: str) -> Manifest | None:
        with store_errors("list the store", self.root):
            folders = artifact_folders(self.root, export)
        for folder in sorted(folders, key=lambda path: recency(self._id(path)), reverse=True):
            try:
                return self._read(folder)
            except (DamagedArtifact, FileNotFoundError):
                continue
        return None

    def manifest(self, artifact: str) -> Manifest:
        try:
            return self._read(self._folder(artifact))
        except FileNotFoundError:
            raise self._unknown(artifact) from None

    def files(self, artifact: str) -> dict[str, int]:
        folder = self._folder(artifact)
        with store_errors("list the artifact", folder):
            return {
                path.relative_to(folder).as_posix(): path.stat().st_size
                for path in sorted(folder.rglob("*"))
                if not path.is_dir() and path.name not in (MANIFEST_NAME, LOCK_NAME)
            }

    def open(self, artifact: str, part_name: str, start: int = 0) -> BinaryIO:
        path = self._folder(artifact) / check_part_name(part_name)
        try:
            file = path.open("rb")
            file.seek(start)
        except FileNotFoundError as error:
            raise DamagedArtifact(
                "the part is missing", where=f"{artifact}/{part_name}", remedy=RERUN
            ) from error
        except OSError as error:
            raise DamagedArtifact(
                f"the part cannot be read: {error.strerror}", where=f"{artifact}/{part_name}"
            ) from error
        return file

    open_stored = open

    def presigned_url(
        self, artifact: str, part_name: str, valid_s: int, headers: Mapping[str, str]
    ) -> str | None:
        return None

    def remove(self, artifact: str) -> None:
        folder = self._folder(artifact)
        with store_errors("remove the artifact", folder), locked(self.root / MUTEX_NAME):
            remove_artifact_folder(folder, self.root)
        log.debug("artifact removed", extra={"artifact": artifact})

    def sweep(self, export: str | None = None, all_unfinished: bool = False) -> list[str]:
        if not self.root.is_dir():
            return []
        removed, faults = list[str](), list[StoreError]()
        with store_errors("sweep the store", self.root), locked(self.root / MUTEX_NAME):
            for folder in artifact_folders(self.root, export):
                try:
                    with store_errors("remove what a killed run left", folder):
                        removed += self._sweep_artifact(folder, all_unfinished)
                except StoreError as error:
                    faults.append(error)
            for window in [path for path in self.root.glob(f"{export or '*'}/*") if path.is_dir()]:
                remove_empty(window, self.root)
        log.debug("store swept", extra={"export": export, "removed": removed})
        if faults:
            raise faults[0]
        return removed

    def holds(self, path: Path) -> bool:
        return path.resolve().is_relative_to(self.root.resolve())

    def location(self, artifact: str) -> str:
        return str(self.root / artifact)

    def _sweep_artifact(self, folder: Path, all_unfinished: bool) -> list[str]:
        files = _file_names(folder)
        if MANIFEST_NAME in files and LOCK_NAME not in files:
            return self._tidy(folder, files)
        lock = try_lock(folder / LOCK_NAME)
        if lock is None:
            return []  # its writer lives
        try:
            if is_committed(folder):  # looked at after the lock: the writer may have committed just before
                (folder / LOCK_NAME).unlink(missing_ok=True)  # the writer may have done it meanwhile
                return self._tidy(folder, _file_names(folder))
            if may_go_on(folder) and not all_unfinished:
                return []
            remove_artifact_folder(folder, self.root)
            return [self._id(folder)]
        finally:
            os.close(lock)

    def _tidy(self, folder: Path, files: set[str]) -> list[str]:
        """Removes those `files` of a committed artifact that its manifest does not know."""
        known = _listed_names(folder)
        if known is None:
            return []  # damaged: `verify` names it, nothing is thrown away
        strangers = sorted(files - known)
        for name in strangers:
            (folder / name).unlink()
        return [f"{self._id(folder)}/{name}" for name in strangers]

    def _id(self, folder: Path) -> str:
        return folder.relative_to(self.root).as_posix()

    def _folder(self, artifact: str) -> Path:
        folder = self.root / artifact
        if not is_artifact_id(artifact) or not is_committed(folder):
            raise self._unknown(artifact)
        return folder

    def _read(self, folder: Path) -> Manifest:
        """Raises DamagedArtifact, or FileNotFoundError when there is no manifest."""
        artifact = self._id(folder)
        try:
            data = (folder / MANIFEST_NAME).read_bytes()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise DamagedArtifact(
                f"the manifest cannot be read: {error.strerror}", where=f"{artifact}/{MANIFEST_NAME}"
            ) from error
        return Manifest.of(artifact, data)

    def _unknown(self, artifact: str) -> RequestError:
        return unknown_artifact(artifact, self.artifacts(), str(self.root))


def is_committed(folder: Path) -> bool:
    return (folder / MANIFEST_NAME).is_file()


def _file_names(folder: Path) -> set[str]:
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries if entry.is_file()}


def _listed_names(folder: Path) -> set[str] | None:
    """The names that a committed folder may hold, or None when its manifest cannot be read."""
    try:
        content = json.loads((folder / MANIFEST_NAME).read_bytes())
        files = [*content["parts"], *filter(None, map(content.get, ("lead_index", "row_digests")))]
        return {MANIFEST_NAME, *(str(file.get("sealed_as") or file["name"]) for file in files)}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
