"""One artifact's files in a folder of a reader: what stands there now, and the exchange of one set for another."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from export_pipelines.artifacts import Part
from export_pipelines.artifacts.digest import digest_of
from export_pipelines.artifacts.folder_staging import BUFFER_BYTES, write_durably
from export_pipelines.artifacts.locking import sync_folder
from export_pipelines.delivery.artifact import MANIFEST_SUFFIX, Artifact
from export_pipelines.delivery.file_set import PREFIX, manifest_name_of, names_in
from export_pipelines.private_files import open_new

LOCK_NAME = f"{PREFIX}lock"


class FolderSet:
    """The files of `artifact` in `folder`. Call it with the folder's lock held."""

    def __init__(self, folder: Path, artifact: Artifact) -> None:
        self.folder, self.artifact, self.manifest = folder, artifact, artifact.manifest
        self.where, manifest = str(folder), artifact.manifest
        self.names = tuple(part.name for part in manifest.parts)
        self.manifest_name = self.own_manifest = manifest_name_of(artifact, self.names)
        self._replaced = folder / f"{PREFIX}{manifest.export}.replaced"
        self._data = manifest.to_json()

    def sweep(self) -> None:
        """Removes what killed deliveries left here for nobody."""
        if (self.folder / self.manifest_name).exists():
            self._replaced.unlink(missing_ok=True)  # the exchange was done, up to this
        for path in self.folder.glob(f"{PREFIX}*.tmp"):
            path.unlink(missing_ok=True)

    def holds_it(self) -> bool:
        """Whether this very artifact is already there, whole."""
        path = self.folder / self.manifest_name
        if not path.is_file() or path.read_bytes() != self._data:
            return False
        return all(self._stands(part) for part in self.manifest.parts)

    def taken(self) -> str | None:
        """A file of another set that stands where this one would, or None."""
        path = self.folder / self.manifest_name
        if path.exists() and path.read_bytes() != self._data:
            return self.manifest_name
        for part in self.manifest.parts:
            if (self.folder / part.name).exists() and not self._stands(part):
                return part.name
        return None

    def manifests(self) -> Iterator[tuple[str, bytes]]:
        for path in self.folder.glob(f"*{MANIFEST_SUFFIX}"):
            yield path.name, path.read_bytes()

    def put(self) -> None:
        """Copies and checks every part, then exchanges the sets. Between the two there is no manifest.

        Raises DamagedArtifact with nothing changed when a part is not what the manifest says.
        """
        try:
            for part in self.manifest.parts:
                self._copy(part)
            write_durably(self._temporary(self.manifest_name), self._data)
        except BaseException:
            self.sweep()
            raise
        self._exchange()

    def _exchange(self) -> None:
        old = self.folder / self.manifest_name
        stale = (_names(old) | _names(self._replaced)).difference(self.names)
        if old.exists():
            old.replace(
                self._replaced
            )  # kept until the end: killed in between, the next one knows what is stale
            sync_folder(self.folder)
        for name in sorted(stale):
            (self.folder / name).unlink(missing_ok=True)
        for name in self.names:
            self._temporary(name).replace(self.folder / name)
        sync_folder(self.folder)
        self._temporary(self.manifest_name).replace(old)
        sync_folder(self.folder)
        self._replaced.unlink(missing_ok=True)

    def _copy(self, part: Part) -> None:
        with (
            self.artifact.open(part) as source,
            open_new(self._temporary(part.name), BUFFER_BYTES) as copy,
        ):
            shutil.copyfileobj(source, copy, BUFFER_BYTES)
            copy.flush()
            os.fsync(copy.fileno())

    def _stands(self, part: Part) -> bool:
        path = self.folder / part.name
        if not path.is_file() or path.stat().st_size != part.bytes:
            return False
        with path.open("rb") as file:
            return digest_of(file)[1] == part.sha256

    def _temporary(self, name: str) -> Path:
        return self.folder / f"{PREFIX}{name}.tmp"


def _names(path: Path) -> set[str]:
    try:
        return names_in(path.read_bytes())
    except OSError:
        return set()
