"""Delivers an artifact into a folder: parts under temporary names, checked while copied, then renamed, manifest last."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Literal

from export_pipelines.artifacts import Manifest, Store
from export_pipelines.artifacts.folder_errors import store_errors
from export_pipelines.artifacts.locking import locked, sync_folder
from export_pipelines.definition.templates import FOLDER_WORDS
from export_pipelines.delivery.destination import Capabilities
from export_pipelines.delivery.folder_set import LOCK_NAME, FolderSet
from export_pipelines.delivery.receipt import Receipt
from export_pipelines.errors import ExportError, RequestError
from export_pipelines.plan.naming import check_template, render, window_words

Overwrite = Literal["replace", "never", "version"]
MAX_VERSIONS = 10_000


class Folder:
    """`path` is a template of the folder for one artifact; relative, it is taken from `base`.

    `overwrite`: `replace` the set that is there, `never` (RequestError when another one is there), or `version`:
    `<path>_v2`, `_v3`, ... beside it.
    """

    kind = "folder"
    capabilities = Capabilities(atomic=True, replaces=True, remembers=True)

    def __init__(self, path: str, overwrite: Overwrite, base: Path) -> None:
        check_template(path, FOLDER_WORDS)
        self.path, self.overwrite, self.base = path, overwrite, base

    def target(self, manifest: Manifest, store: Store) -> str:
        return str(self._folder(manifest, store))

    def deliver(self, manifest: Manifest, store: Store, at: datetime) -> Receipt:
        folder = self._folder(manifest, store)
        number = 1
        while (receipt := self._deliver_into(versioned(folder, number), manifest, store, at)) is None:
            number += 1
        return receipt

    def _deliver_into(self, folder: Path, manifest: Manifest, store: Store, at: datetime) -> Receipt | None:
        """The receipt, or None when another set is there and this one belongs beside it."""
        made = _make(folder)
        try:
            with store_errors("deliver into the folder", folder), locked(folder / LOCK_NAME):
                there = FolderSet(folder, manifest)
                there.sweep()
                if not there.holds_it():
                    if not self._may_put(there):
                        return None
                    there.put(store)
        except ExportError:
            _unmake(made)
            raise
        data = manifest.to_json()
        return Receipt(
            kind=self.kind,
            target=str(folder),
            artifact=manifest.artifact,
            files=(*(part.name for part in manifest.parts), there.manifest_name),
            bytes=manifest.bytes,
            sha256=hashlib.sha256(data).hexdigest(),
            at=at,
        )

    def _may_put(self, there: FolderSet) -> bool:
        taken = there.taken()
        if taken and self.overwrite == "never":
            raise RequestError(
                f"another delivery's {taken} is already there",
                where=str(there.folder),
                remedy="move it away, or say `overwrite: replace` or `overwrite: version`",
            )
        if taken and self.overwrite == "version":
            return False
        there.demand_own()
        return True

    def _folder(self, manifest: Manifest, store: Store) -> Path:
        text = render(self.path, words_of(manifest))
        where = f'deliver.folder.path "{self.path}"'
        if not text.strip() or "\x00" in text:
            raise RequestError("the path is empty", where=where, remedy="name a folder")
        if text.startswith("~"):
            raise RequestError(f'"{text}" begins with ~', where=where, remedy="write the folder out in full")
        if ".." in PurePosixPath(text).parts:
            raise RequestError(
                f'"{text}" climbs out with ".."', where=where, remedy="write the folder without .."
            )
        folder = self.base / text
        if store.holds(folder):
            raise RequestError(
                f'"{text}" lies inside the artifact store',
                where=where,
                remedy="deliver to a folder outside of it",
            )
        return folder


def words_of(manifest: Manifest) -> Mapping[str, str]:
    """The words that a template of a destination may use."""
    return {
        **window_words(manifest.window),
        "export": manifest.export,
        "type": manifest.type,
        "run": manifest.artifact.rpartition("/")[2],
    }


def versioned(folder: Path, number: int) -> Path:
    if number > MAX_VERSIONS:
        raise RequestError(f"there are {MAX_VERSIONS} versions already", where=str(folder))
    return folder if number == 1 else folder.with_name(f"{folder.name}_v{number}")


def _make(folder: Path) -> list[Path]:
    """Makes `folder`; returns the folders that were not there before, the deepest first."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    with store_errors("make the folder to deliver into", folder):
        folder.mkdir(parents=True, exist_ok=True)
        for one in missing:
            sync_folder(one.parent)
    return missing


def _unmake(made: list[Path]) -> None:
    for folder in made:
        try:
            folder.rmdir()
        except OSError:
            return  # no longer empty: another delivery uses it
