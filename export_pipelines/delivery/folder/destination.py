"""Delivers an artifact into a folder: parts under temporary names, checked while copied, then renamed, manifest last."""

import errno
import logging
import os
import tempfile
from pathlib import Path

from export_pipelines.artifacts import Manifest
from export_pipelines.definition.destinations import FolderSettings
from export_pipelines.delivery.artifact import Artifact, manifest_name
from export_pipelines.delivery.destination import Capabilities, Journal
from export_pipelines.delivery.file_set import bring, digests_of, first_version
from export_pipelines.delivery.folder.file_set import (
    LOCK_NAME,
    FolderSet,
    kept_manifest,
    sweep_temporary,
)
from export_pipelines.delivery.places import place_of, words_of
from export_pipelines.delivery.receipt import Receipt, receipt_of
from export_pipelines.delivery.removal import Placing, Removal, all_left, remove_files
from export_pipelines.delivery.resources import Resources
from export_pipelines.errors import ExportError, RequestError, RetryableError
from export_pipelines.files.digest import digest_of
from export_pipelines.files.locking import locked, sync_folder
from export_pipelines.files.os_errors import store_errors
from export_pipelines.files.private import make_folder
from export_pipelines.templates import check_template, fixed_folder

log = logging.getLogger(__name__)

WHERE = "deliver.folder.path"
PASSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.ETIMEDOUT})


def open_from(settings: FolderSettings, resources: Resources) -> "Folder":
    """Relative folders are taken from the program's own folder of deliveries."""
    return Folder(settings, resources)


class Folder:
    """A folder, below the program's own where it is relative, and never inside of the store.

    `overwrite`: `replace` the set that is there, if it was delivered by us, `never` (RequestError when another one is
    there), or `version`: `<path>_v2`, `_v3`, ... beside it.
    """

    kind = "folder"
    capabilities = Capabilities(atomic=True, recognises=True)

    def __init__(self, settings: FolderSettings, resources: Resources) -> None:
        check_template(settings.path, settings.words)
        self.path, self.overwrite, self.resources = settings.path, settings.overwrite, resources
        self.base, self.store = resources.settings.home.absolute() / "delivered", resources.open_store()

    def target(self, manifest: Manifest) -> str:
        return str(self._folder(manifest))

    def names(self, manifest: Manifest) -> tuple[str, ...]:
        return manifest.part_names

    def check(self) -> None:
        """Proves the right to write in the deepest folder that the path names without a word, as far as it is there."""
        fixed = self.base / fixed_folder(self.path)
        existing_folder = next(parent for parent in (fixed, *fixed.parents) if parent.exists())
        try:
            with tempfile.TemporaryFile(dir=existing_folder):
                pass
        except OSError as error:
            raise RequestError(
                f"cannot write into the folder: {os.strerror(error.errno or 0)}",
                where=str(existing_folder),
                remedy="give this user the right to write there, or name another folder",
            ) from error

    def send(self, artifact: Artifact, journal: Journal) -> Receipt:
        folder = self._folder(artifact.manifest)

        def send_into(name: str) -> Receipt | None:
            return self._send_into(folder.with_name(name), artifact, journal)

        return first_version(folder.name, send_into)

    def _send_into(self, folder: Path, artifact: Artifact, journal: Journal) -> Receipt | None:
        """The receipt, or None when another set is there and this one belongs beside it."""
        if not folder.is_relative_to(self.base):
            self.resources.require("folders", str(folder), WHERE)
        folders = _make(folder)
        try:
            with store_errors("deliver into the folder", folder), locked(folder / LOCK_NAME):
                file_set = FolderSet(folder, artifact)
                if not bring(file_set, self.overwrite, journal):
                    return None
        except ExportError as error:
            _unmake(folders)
            cause = error.__cause__
            if isinstance(cause, OSError) and cause.errno in PASSING:
                raise RetryableError(error.what, where=error.where, remedy=error.remedy) from cause
            raise
        log.debug(
            "files are there", extra={"artifact": artifact.manifest.artifact, "files": len(file_set.wanted)}
        )
        digests = digests_of(file_set.wanted)
        return receipt_of(artifact, self.kind, str(folder), file_set.wanted, digests=digests)

    def remove(self, placing: Placing) -> Removal:
        folder = Path(placing.place)
        if self.store.holds(folder):
            return all_left(placing.files, "the place lies inside the artifact store")
        if not folder.is_relative_to(self.base):
            self.resources.require("folders", str(folder), WHERE)
        if not folder.is_dir():
            return Removal()

        def digest_there(name: str) -> str | None:
            path = folder / name
            if path.is_symlink() or not path.is_file():
                return None
            with path.open("rb") as file:
                return digest_of(file)[1]

        def remove_file(name: str) -> None:
            (folder / name).unlink()
            sync_folder(folder)

        def unfinished() -> list[str]:
            kept, own = kept_manifest(folder, placing.export).name, manifest_name(placing.export)
            names = sweep_temporary(folder)
            if own in placing.files and digest_there(kept) == placing.files[own]:
                remove_file(kept)
                names.append(kept)
            return names

        with store_errors("remove what was delivered", folder), locked(folder / LOCK_NAME):
            return remove_files(placing.files, digest_there, remove_file, unfinished)

    def _folder(self, manifest: Manifest) -> Path:
        text = place_of(self.path, words_of(manifest), WHERE)
        folder = self.base / text
        if self.store.holds(folder):
            raise RequestError(
                f'"{text}" lies inside the artifact store',
                where=f'{WHERE} "{self.path}"',
                remedy="deliver to a folder outside of it",
            )
        return folder


def _make(folder: Path) -> list[Path]:
    """Makes `folder`; returns the folders that were not there before, the deepest first."""
    with store_errors("make the folder to deliver into", folder):
        missing = make_folder(folder)
        for path in missing:
            sync_folder(path.parent)
    return missing


def _unmake(folders: list[Path]) -> None:
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return  # no longer empty: another delivery uses it
