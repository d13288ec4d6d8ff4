"""A store that stands before another: what it does not do itself is the other's."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from export_pipelines.artifacts.listing import Listing
from export_pipelines.artifacts.manifest import Manifest

if TYPE_CHECKING:
    from export_pipelines.artifacts.store import Staging, Store


@dataclass(frozen=True)
class StoreAround:
    """See `store.Store` for what a store owes."""

    store: "Store"

    def begin(self, export: str, window_key: str, token: str) -> "Staging":
        return self.store.begin(export, window_key, token)

    def amend(self, artifact: str) -> "Staging":
        return self.store.amend(artifact)

    def artifacts(self, export: str | None = None, first: str = "", last: str | None = None) -> Sequence[str]:
        return self.store.artifacts(export, first, last)

    def read(self, artifacts: Iterable[str]) -> Listing:
        return self.store.read(artifacts)

    def listing(self, export: str | None = None) -> Listing:
        return self.store.listing(export)

    def is_empty(self) -> bool:
        return self.store.is_empty()

    def manifests(self, export: str | None = None) -> list[Manifest]:
        return list(self.listing(export).manifests)

    def latest(self, export: str) -> Manifest | None:
        return self.store.latest(export)

    def manifest(self, artifact: str) -> Manifest:
        return self.store.manifest(artifact)

    def files(self, artifact: str) -> Mapping[str, int]:
        return self.store.files(artifact)

    def open(self, artifact: str, part_name: str, start: int = 0) -> BinaryIO:
        return self.store.open(artifact, part_name, start)

    def open_stored(self, artifact: str, part_name: str) -> BinaryIO:
        return self.store.open_stored(artifact, part_name)

    def presigned_url(
        self, artifact: str, part_name: str, valid_s: int, headers: Mapping[str, str]
    ) -> str | None:
        return self.store.presigned_url(artifact, part_name, valid_s, headers)

    def remove(self, artifact: str) -> None:
        self.store.remove(artifact)

    def sweep(self, export: str | None = None, all_unfinished: bool = False) -> list[str]:
        return self.store.sweep(export, all_unfinished)

    def holds(self, path: Path) -> bool:
        return self.store.holds(path)

    def location(self, artifact: str) -> str:
        return self.store.location(artifact)
