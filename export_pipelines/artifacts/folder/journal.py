"""The progress of a run, beside its finished parts in a folder; another run of the same window may take the parts over."""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from export_pipelines.artifacts.folder.names import (
    JOURNAL_NAME,
    LOCK_NAME,
    MUTEX_NAME,
    TEMPORARY,
    artifact_folders,
)
from export_pipelines.artifacts.manifest import MANIFEST_NAME
from export_pipelines.files.locking import locked, sync_folder, try_lock
from export_pipelines.files.os_errors import store_errors

if TYPE_CHECKING:
    from export_pipelines.artifacts.folder.staging import FolderStaging

KEPT_S = 6 * 3600  # what a killed run has finished: personal data of which no manifest tells


class FolderJournal:
    """See `store.Journal` for what it owes."""

    def __init__(self, staging: "FolderStaging") -> None:
        self._staging = staging

    def write(self, data: bytes) -> None:
        from export_pipelines.artifacts.folder.staging import write_durably

        folder = self._staging.folder
        with store_errors("write the progress of the run", folder):
            sync_folder(folder)  # the parts' names before what tells of them
            temporary = folder / (JOURNAL_NAME + TEMPORARY)
            write_durably(temporary, data)
            temporary.rename(folder / JOURNAL_NAME)
            sync_folder(folder)

    def earlier(self) -> dict[str, bytes]:
        journals, root = {}, self._staging.root
        with store_errors("look for earlier runs", root), locked(root / MUTEX_NAME):
            for folder in reversed(self._folders()):
                lock = try_lock(folder / LOCK_NAME) if folder.is_dir() else None
                if lock is None:
                    continue  # its run lives, or is just over
                try:
                    if (folder / JOURNAL_NAME).is_file():
                        artifact = folder.relative_to(root).as_posix()
                        journals[artifact] = (folder / JOURNAL_NAME).read_bytes()
                finally:
                    os.close(lock)
        return journals

    def take_over(self, artifact: str, names: Iterable[str]) -> bool:
        root = self._staging.root
        folder = root / artifact
        with store_errors("take over the parts of an earlier run", root), locked(root / MUTEX_NAME):
            lock = try_lock(folder / LOCK_NAME) if folder.is_dir() else None
            if lock is None:
                return False
            try:
                if (folder / MANIFEST_NAME).exists() or not all((folder / name).is_file() for name in names):
                    return False
                for name in names:
                    self._staging.adopt(folder / name)
                sync_folder(self._staging.folder)
            finally:
                os.close(lock)
        return True

    def discard(self) -> None:
        from export_pipelines.artifacts.folder.staging import remove_artifact_folder

        root = self._staging.root
        with store_errors("remove what an earlier run left", root), locked(root / MUTEX_NAME):
            for folder in self._folders():
                lock = try_lock(folder / LOCK_NAME)
                if lock is not None:
                    try:
                        remove_artifact_folder(folder, root)
                    finally:
                        os.close(lock)

    def _folders(self) -> list[Path]:
        """Of the same window, with neither a manifest nor this run in them."""
        mine = self._staging.folder
        export, window = mine.parent.parent.name, mine.parent.name
        return [
            folder
            for folder in artifact_folders(self._staging.root, export, window, window)
            if folder != mine and not (folder / MANIFEST_NAME).exists()
        ]


def may_go_on(folder: Path) -> bool:
    """Whether another run may still take over the parts of a killed one."""
    try:
        return time.time() - (folder / JOURNAL_NAME).stat().st_mtime < KEPT_S
    except FileNotFoundError:
        return False
