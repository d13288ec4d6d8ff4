"""The artifacts of an export in the order of their windows: which of them come before one, to compare it with."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cached_property, partial
from itertools import chain
from typing import Self

from export_pipelines.artifacts import Manifest, Store
from export_pipelines.plan.window import WHOLE_KEY

TRAILING = 7  # artifacts before, at most


class History:
    """Of `stored` artifacts of one export, in any order, which may be some of `all`."""

    def __init__(
        self, stored: Iterable[Manifest], all: Callable[[], Iterable[Manifest]] | None = None
    ) -> None:
        by_time = sorted(stored, key=_created)
        self._all = all or by_time.copy
        self._of_window: dict[str, list[Manifest]] = defaultdict(list)
        for manifest in by_time:
            self._of_window[manifest.window.key].append(manifest)
        newest = (manifests[-1] for manifests in self._of_window.values())
        self._newest = sorted(newest, key=lambda manifest: (manifest.window.start, manifest.created_at))
        self._starts = [manifest.window.start for manifest in self._newest]

    @classmethod
    def of(cls, store: Store, export: str, keys: Iterable[str], known: Iterable[Manifest] = ()) -> Self:
        """Of the artifacts in the store that windows with these keys are compared with; no others are read before they are asked
        for, and those that are `known` not again."""
        of_window: dict[str, list[str]] = defaultdict(list)
        for artifact in store.artifacts(export):
            of_window[artifact.split("/")[1]].append(artifact)
        starts = sorted(map(_start, keys))
        windows = sorted(of_window, key=_start)
        begin = bisect_left(windows, starts[0], key=_start)
        end = bisect_right(windows, starts[-1], key=_start)
        near = windows[max(begin - TRAILING, 0) : end]
        newest = chain.from_iterable(sorted(of_window[key], key=_token)[-TRAILING - 1 :] for key in near)
        read = {manifest.artifact: manifest for manifest in known}
        others = store.read(artifact for artifact in newest if artifact not in read).manifests
        return cls(chain(read.values(), others), partial(store.manifests, export))

    @cached_property
    def newest_first(self) -> list[Manifest]:
        """All artifacts."""
        return sorted(self._all(), key=_created, reverse=True)

    def trailing(self, manifest: Manifest) -> list[Manifest]:
        """The newest artifact of each of the windows before that of `manifest`, at most TRAILING; for the same window again, as
        with an export without partitions, those written before."""
        end = bisect_left(self._starts, manifest.window.start)
        before = self._newest[max(end - TRAILING, 0) : end] or [
            earlier
            for earlier in self._of_window.get(manifest.window.key, ())
            if earlier.created_at <= manifest.created_at and earlier.artifact != manifest.artifact
        ]
        return before[-TRAILING:]


def _created(manifest: Manifest) -> datetime:
    return manifest.created_at


def _start(key: str) -> str:
    """Of a window, as its key says it: in the order of time."""
    return "" if key == WHOLE_KEY else key.partition("_")[0]


def _token(artifact: str) -> str:
    return artifact.rpartition("/")[2]
