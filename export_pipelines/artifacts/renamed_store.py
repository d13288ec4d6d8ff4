"""A store in which an export's artifacts are also those that it made under an earlier name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from export_pipelines.artifacts.listing import Listing
from export_pipelines.artifacts.manifest import Manifest
from export_pipelines.artifacts.store_around import StoreAround
from export_pipelines.artifacts.token import recency


@dataclass(frozen=True)
class RenamedStore(StoreAround):
    """`former` maps the name of an export to those that it had. Artifacts stay where they are, under the name that they
    were made with; all else is the store's own."""

    former: Mapping[str, tuple[str, ...]]

    def artifacts(self, export: str | None = None, first: str = "", last: str | None = None) -> list[str]:
        names = self._names(export)
        return [artifact for name in names for artifact in self.store.artifacts(name, first, last)]

    def listing(self, export: str | None = None) -> Listing:
        return self.store.read(self.artifacts(export))

    def latest(self, export: str) -> Manifest | None:
        newest = filter(None, (self.store.latest(name) for name in (export, *self.former.get(export, ()))))
        return max(newest, key=lambda manifest: recency(manifest.artifact), default=None)

    def _names(self, export: str | None) -> Iterable[str | None]:
        return (None,) if export is None else (export, *self.former.get(export, ()))
