"""The artifacts of an export in the order of their windows: which of them come before one, to compare it with."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable

from export_pipelines.artifacts import Manifest

TRAILING = 7  # artifacts before, at most


class History:
    """Of `stored` artifacts of one export, in any order."""

    def __init__(self, stored: Iterable[Manifest]) -> None:
        by_time = sorted(stored, key=lambda manifest: manifest.created_at)
        self.newest_first = by_time[::-1]
        self._of_window: dict[str, list[Manifest]] = defaultdict(list)
        for manifest in by_time:
            self._of_window[manifest.window.key].append(manifest)
        newest = (manifests[-1] for manifests in self._of_window.values())
        self._newest = sorted(newest, key=lambda manifest: (manifest.window.start, manifest.created_at))
        self._starts = [manifest.window.start for manifest in self._newest]

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
