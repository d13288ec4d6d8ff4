"""The set of rows before, as its file of digests has it: which rows of the new set were in it, and which are gone."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from export_pipelines.errors import DamagedArtifact
from export_pipelines.files.digest import digest_of
from export_pipelines.run.changes.mapped_file import MappedFile
from export_pipelines.run.changes.row_digests import Numbers, numbers

Flags = npt.NDArray[np.bool_]


class Matches(NamedTuple):
    """Of each row whether its key was there, and with the same values."""

    known: Flags
    same: Flags


class BaseSet:
    """A copy of a file of digests. A context, which ends with the copy. Memory is one byte for each row."""

    def __init__(self, file: BinaryIO, size: int, sha256: str) -> None:
        """Reads `file` from its beginning. Raises DamagedArtifact unless it has these bytes and this digest."""
        self._copy = MappedFile()
        try:
            if digest_of(file, self._copy) != (size, sha256):
                raise DamagedArtifact("the digests of rows are not what the manifest says")
        except BaseException:
            self._copy.close()
            raise
        reader = pa.ipc.open_file(pa.BufferReader(self._copy.map()))
        batches = (reader.get_batch(place) for place in range(reader.num_record_batches))
        self._batches = [batch for batch in batches if len(batch)]
        self._first = np.array([numbers(batch, "mark")[0] for batch in self._batches], np.uint64)
        self._seen = [np.zeros(len(batch), np.bool_) for batch in self._batches]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._copy.close()

    @property
    def rows(self) -> int:
        return sum(map(len, self._batches))

    def find(self, rows: pa.RecordBatch) -> Matches:
        """Looks for the keys of `rows`, which count as seen from then on."""
        marks = numbers(rows, "mark")
        order = np.argsort(marks)
        known, same = np.zeros(len(rows), np.bool_), np.zeros(len(rows), np.bool_)
        cuts = [0, *np.searchsorted(marks[order], self._first[1:]).tolist(), len(rows)]
        for number, batch in enumerate(self._batches):
            asked = order[cuts[number] : cuts[number + 1]]
            places = _places(batch, marks[asked], numbers(rows, "check")[asked])
            hits, places = asked[places >= 0], places[places >= 0]
            self._seen[number][places] = True
            known[hits] = True
            same[hits] = np.logical_and.reduce(
                [numbers(rows, name)[hits] == numbers(batch, name)[places] for name in ("high", "low")]
            )
        self._copy.release()
        return Matches(known, same)

    def gone(self) -> Iterator[pa.LargeStringArray]:
        """The keys of all rows that were not seen, in pieces."""
        for batch, seen in zip(self._batches, self._seen, strict=True):
            if not seen.all():
                yield batch.column("key").take(pa.array(np.flatnonzero(~seen)))
                self._copy.release()


def _places(batch: pa.RecordBatch, marks: Numbers, checks: Numbers) -> npt.NDArray[np.int64]:
    """Where in `batch` the keys stand; -1 for those that do not."""
    stored, stored_checks = numbers(batch, "mark"), numbers(batch, "check")
    places = np.searchsorted(stored, marks).astype(np.int64)
    places[places == len(stored)] = 0
    equal = stored[places] == marks
    right = equal & (stored_checks[places] == checks)
    for row in np.flatnonzero(equal & ~right):  # another key has the same mark
        place = int(places[row]) + 1
        while place < len(stored) and stored[place] == marks[row] and stored_checks[place] != checks[row]:
            place += 1
        right[row] = place < len(stored) and stored[place] == marks[row]
        places[row] = place
    places[~right] = -1
    return places
