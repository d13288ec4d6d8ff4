"""One artifact's files in a folder of a reader: what stands there now, and the exchange of one set for another."""

import os
import shutil
from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from export_pipelines.artifacts import Part
from export_pipelines.artifacts.folder.staging import BUFFER_BYTES, write_durably
from export_pipelines.delivery.artifact import Artifact
from export_pipelines.delivery.file_set import PREFIX, manifest_name_of, wanted_of
from export_pipelines.files.digest import digest_of
from export_pipelines.files.locking import sync_folder
from export_pipelines.files.private import open_new

LOCK_NAME = f"{PREFIX}lock"


class FolderSet:
    """The files of `artifact` in `folder`; a FileSet. Call it with the folder's lock held."""

    def __init__(self, folder: Path, artifact: Artifact) -> None:
        self.folder, self.artifact, self.where = folder, artifact, str(folder)
        self.export = artifact.manifest.export
        self._parts = {part.name: part for part in artifact.files}
        self.own_manifest = manifest_name_of(artifact, self._parts)
        self._data = artifact.manifest.to_json()
        self.wanted = wanted_of(artifact, self._parts, self._data)
        self._replaced = kept_manifest(folder, self.export)

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        return {path.name: path.stat().st_size for path in self.folder.iterdir() if path.is_file()}

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def digest(self, name: str) -> str:
        with (self.folder / name).open("rb") as file:
            return digest_of(file)[1]

    def said(self, name: str) -> str:
        return self.digest(name)

    def kept(self) -> bytes | None:
        return self._replaced.read_bytes() if self._replaced.is_file() else None

    def put(self, missing: Collection[str], gone: Collection[str]) -> None:
        """Copies and checks every part, then exchanges the sets. Between the two there is no manifest."""
        sweep_temporary(self.folder)
        try:
            for name in missing:
                if name in self._parts:
                    self._copy(self._parts[name])
                else:
                    write_durably(self._temporary(name), self._data)
        except BaseException:
            sweep_temporary(self.folder)
            raise
        self._exchange(missing, gone)

    def tidy(self) -> None:
        with suppress(OSError):
            sweep_temporary(self.folder)
            if (self.folder / self.own_manifest).exists():
                self._replaced.unlink(missing_ok=True)  # the exchange was done, up to this

    def _exchange(self, missing: Collection[str], gone: Collection[str]) -> None:
        old = self.folder / self.own_manifest
        if old.exists():  # kept until the end: killed in between, the next one knows what is stale
            old.replace(self._replaced)
            sync_folder(self.folder)
        for name in gone:
            (self.folder / name).unlink(missing_ok=True)
        for name in missing:
            if name == self.own_manifest:
                sync_folder(self.folder)
            self._temporary(name).replace(self.folder / name)
        sync_folder(self.folder)

    def _copy(self, part: Part) -> None:
        with (
            self.artifact.open(part) as source,
            open_new(self._temporary(part.name), BUFFER_BYTES) as copy,
        ):
            shutil.copyfileobj(source, copy, BUFFER_BYTES)
            copy.flush()
            os.fsync(copy.fileno())

    def _temporary(self, name: str) -> Path:
        return self.folder / f"{PREFIX}{name}.tmp"


def kept_manifest(folder: Path, export: str) -> Path:
    """Where the manifest of the set before is kept while sets are exchanged."""
    return folder / f"{PREFIX}{export}.replaced"


def sweep_temporary(folder: Path) -> list[str]:
    """Removes what killed deliveries left here for nobody; returns the names. Call it with the folder's lock held."""
    paths = sorted(folder.glob(f"{PREFIX}*.tmp"))
    for path in paths:
        path.unlink(missing_ok=True)
    return [path.name for path in paths]
