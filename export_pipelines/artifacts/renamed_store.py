"""A store in which an export's artifacts are also those that it made under an earlier name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from export_pipelines.artifacts.listing import Listing
from export_pipelines.artifacts.manifest import Manifest
from export_pipelines.artifacts.store_around import StoreAround


@dataclass(frozen=True)
class RenamedStore(StoreAround):
    """`former` maps the name of an export to those that it had. Artifacts stay where they are, under the name that they
    were made with; all else is the store's own."""

    former: Mapping[str, tuple[str, ...]]

    def listing(self, export: str | None = None) -> Listing:
        listings = [self.store.listing(name) for name in self._names(export)]
        manifests = [manifest for each in listings for manifest in each.manifests]
        newest = sorted(manifests, key=lambda manifest: _token(manifest.artifact), reverse=True)
        return Listing(
            tuple(newest), {name: fault for each in listings for name, fault in each.damaged.items()}
        )

    def latest(self, export: str) -> Manifest | None:
        newest = filter(None, (self.store.latest(name) for name in (export, *self.former.get(export, ()))))
        return max(newest, key=lambda manifest: _token(manifest.artifact), default=None)

    def _names(self, export: str | None) -> Iterable[str | None]:
        return (None,) if export is None else (export, *self.former.get(export, ()))


def _token(artifact: str) -> str:
    return artifact.rpartition("/")[2]
