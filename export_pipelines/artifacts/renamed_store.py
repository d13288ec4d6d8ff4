"""A store in which an export's artifacts are also those that it made under an earlier name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from export_pipelines.artifacts.listing import Listing
from export_pipelines.artifacts.manifest import Manifest

if TYPE_CHECKING:
    from export_pipelines.artifacts.store import Staging, Store


@dataclass(frozen=True)
class RenamedStore:
    """`former` maps the name of an export to those that it had. Artifacts stay where they are, under the name that they
    were made with; all else is the store's own."""

    store: "Store"
    former: Mapping[str, tuple[str, ...]]

    def begin(self, export: str, window_key: str, token: str) -> "Staging":
        return self.store.begin(export, window_key, token)

    def listing(self, export: str | None = None) -> Listing:
        found = [self.store.listing(name) for name in self._names(export)]
        manifests = [manifest for each in found for manifest in each.manifests]
        newest = sorted(manifests, key=lambda manifest: _token(manifest.artifact), reverse=True)
        return Listing(tuple(newest), {name: fault for each in found for name, fault in each.damaged.items()})

    def manifests(self, export: str | None = None) -> list[Manifest]:
        return list(self.listing(export).manifests)

    def latest(self, export: str) -> Manifest | None:
        found = filter(None, (self.store.latest(name) for name in (export, *self.former.get(export, ()))))
        return max(found, key=lambda manifest: _token(manifest.artifact), default=None)

    def manifest(self, artifact: str) -> Manifest:
        return self.store.manifest(artifact)

    def files(self, artifact: str) -> Mapping[str, int]:
        return self.store.files(artifact)

    def open(self, artifact: str, part_name: str, start: int = 0) -> BinaryIO:
        return self.store.open(artifact, part_name, start)

    def open_stored(self, artifact: str, part_name: str) -> BinaryIO:
        return self.store.open_stored(artifact, part_name)

    def remove(self, artifact: str) -> None:
        self.store.remove(artifact)

    def sweep(self, export: str | None = None) -> list[str]:
        return self.store.sweep(export)

    def is_empty(self) -> bool:
        return self.store.is_empty()

    def holds(self, path: Path) -> bool:
        return self.store.holds(path)

    def location(self, artifact: str) -> str:
        return self.store.location(artifact)

    def _names(self, export: str | None) -> Iterable[str | None]:
        return (None,) if export is None else (export, *self.former.get(export, ()))


def _token(artifact: str) -> str:
    return artifact.rpartition("/")[2]
