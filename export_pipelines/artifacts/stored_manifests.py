"""Manifests by their artifacts' names, each read when it is asked for: those of many windows would take much memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, overload

from export_pipelines.artifacts.manifest import Manifest
from export_pipelines.artifacts.store import Store


@dataclass(frozen=True)
class StoredManifests(Sequence[Manifest]):
    """Of `artifacts` in `store`, in their order. Reading one raises what `Store.manifest` does. Another process gets a tuple."""

    store: Store
    artifacts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.artifacts)

    @overload
    def __getitem__(self, place: int) -> Manifest: ...
    @overload
    def __getitem__(self, place: slice) -> "StoredManifests": ...
    def __getitem__(self, place: int | slice) -> "Manifest | StoredManifests":
        if isinstance(place, slice):
            return StoredManifests(self.store, self.artifacts[place])
        return self.store.manifest(self.artifacts[place])

    def __reduce__(self) -> tuple[Any, ...]:
        return tuple, (tuple(self),)


def joined(many: Sequence[Sequence[Manifest]]) -> Sequence[Manifest]:
    """Those of several runs of one store."""
    stored = [manifests for manifests in many if isinstance(manifests, StoredManifests)]
    if not stored or len(stored) < len(many):
        return tuple(chain.from_iterable(many))
    return StoredManifests(stored[0].store, tuple(chain.from_iterable(each.artifacts for each in stored)))
