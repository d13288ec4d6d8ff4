"""`folder:` a folder of this machine, or one that is mounted here."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import ClassVar

from export_pipelines.definition.destinations.encryption import EncryptedSettings
from export_pipelines.definition.destinations.named import Named
from export_pipelines.definition.destinations.settings import FolderPath, Overwrite


class FolderSettings(EncryptedSettings):
    """A folder on this machine; a relative path is taken from the program's own folder of deliveries."""

    kind: ClassVar[str] = "folder"
    EXAMPLE: ClassVar[str] = 'folder: {path: "billing/{{date}}"}'
    place: ClassVar[str | None] = "path"

    path: FolderPath
    overwrite: Overwrite = "replace"

    def replaces(self) -> Overwrite:
        return self.overwrite

    def reaches(self) -> tuple[str, ...]:
        return (self.path,)

    def named(self) -> Iterator[Named]:
        yield from super().named()
        if PurePosixPath(self.path).is_absolute():
            yield Named(("path",), "folders", self.path)
