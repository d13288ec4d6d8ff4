"""Which leads an artifact holds: a keyed mark of each, in a file beside its parts that is sealed as they are.

The file is MAGIC, then runs: the number of marks in 8 bytes, then the marks in 8 bytes each, ascending, all big-endian. A
run is what fits into memory at once. A mark is the beginning of an HMAC, so without the key it tells nothing, and two of
2^64 are equal by chance."""

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt

from export_pipelines.errors import DamagedArtifact

if TYPE_CHECKING:
    from export_pipelines.run.part_writer import PartSink

INDEX_NAME = ".lead_index"
MAGIC = b"EPLEADS2"
INCOMPLETE = b"EPLEADS1"  # of earlier releases, which left out the last lead of a batch of SQLite
MARK_BYTES = 8
RUN_MARKS = 1 << 20
READ_BYTES = 1 << 20
STORED = np.dtype(">u8")

Marks = npt.NDArray[np.uint64]


def mark_of(key: bytes, lead_id: str) -> int:
    """The mark of one lead; `run.lead_marks` gives those of many."""
    return int.from_bytes(hmac.digest(key, lead_id.encode(), "sha256")[:MARK_BYTES])


class LeadIndexWriter:
    """Writes the index into `sink` in constant memory. `key` is that of the marks, `marks` counts those that were written,
    each once in a run; `bytes` and `sha256` are of the file."""

    def __init__(self, key: bytes, sink: "PartSink") -> None:
        self.key, self.marks, self.bytes = key, 0, 0
        self._sink, self._digest = sink, hashlib.sha256()
        self._waiting: list[Marks] = []
        self._waiting_marks = 0
        self._write(MAGIC)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def add(self, marks: Marks) -> None:
        self._waiting.append(marks)
        self._waiting_marks += len(marks)
        if self._waiting_marks >= RUN_MARKS:
            self._write_run()

    def finish(self) -> None:
        self._write_run()
        self._sink.finish()

    def _write_run(self) -> None:
        if not self._waiting_marks:
            return
        run = np.sort(np.concatenate(self._waiting))  # numpy's `unique` takes ten times as long
        run = run[np.append(True, run[1:] != run[:-1])]
        self._waiting, self._waiting_marks = [], 0
        self.marks += len(run)
        self._write(len(run).to_bytes(MARK_BYTES))
        self._write(run.astype(STORED).tobytes())

    def _write(self, data: bytes) -> None:
        self._digest.update(data)
        self.bytes += len(data)
        self._sink.write(data)


def is_complete(file: BinaryIO) -> bool:
    """Whether what lies in `file`, from its beginning, is an index of all leads. Reads it to its end, so that a sealed file
    raises DamagedArtifact where any of it was changed."""
    is_of_all = file.read(len(MAGIC)) == MAGIC
    while file.read(READ_BYTES):
        pass
    return is_of_all


def holds_mark(file: BinaryIO, size: int, mark: int, where: str) -> bool | None:
    """Whether the index in `file`, of `size` bytes, has the mark; None where it has not, and is incomplete. Reads a few
    places of each run.

    Raises DamagedArtifact for what is no index.
    """
    magic = file.read(len(MAGIC))
    if magic not in (MAGIC, INCOMPLETE):
        raise _damaged(where)
    start = len(MAGIC)
    while start < size:
        file.seek(start)
        count = int.from_bytes(file.read(MARK_BYTES))
        run = _Run(file, start + MARK_BYTES, count)
        start += MARK_BYTES * (count + 1)
        if start > size:
            raise _damaged(where)
        if _holds(run, mark):
            return True
    return False if magic == MAGIC else None


def _holds(run: "_Run", mark: int) -> bool:
    """Marks are spread evenly, so the place of one is known nearly: it is looked for from there, in growing steps."""
    size = run.size
    if not size:
        return False
    near = min(mark * size >> (8 * MARK_BYTES), size - 1)
    low, step = near, 1
    while low > 0 and run.at(low) > mark:
        low, step = max(low - step, 0), step * 2
    high, step = near + 1, 1
    while high < size and run.at(high - 1) < mark:
        high, step = min(high + step, size), step * 2
    while low < high:
        middle = (low + high) // 2
        if run.at(middle) < mark:
            low = middle + 1
        else:
            high = middle
    return low < size and run.at(low) == mark


@dataclass(frozen=True)
class _Run:
    file: BinaryIO
    start: int
    size: int

    def at(self, number: int) -> int:
        self.file.seek(self.start + MARK_BYTES * number)
        return int.from_bytes(self.file.read(MARK_BYTES))


def _damaged(where: str) -> DamagedArtifact:
    return DamagedArtifact("the index of leads cannot be read", where=where)
