"""The file of digests beside an artifact: Arrow IPC with rows of SCHEMA, ascending by their marks, each mark in one batch."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Self

import numpy as np
import pyarrow as pa

from export_pipelines.encode.buffer import Buffer
from export_pipelines.errors import DataError
from export_pipelines.run.changes.mapped_file import MappedFile
from export_pipelines.run.changes.row_digests import SCHEMA, numbers
from export_pipelines.run.part_writer import PartSink

BATCH_ROWS = 1 << 17  # of a batch of the file, nearly, and of what is sorted at once
MARKS = 1 << 64


class DigestFileWriter:
    """Sorts what is added in constant memory and writes it into `sink`. `rows`, `bytes` and `sha256` are of the file.

    Raises DataError for two rows with one key, named by `key_name`.
    """

    def __init__(self, sink: PartSink, key_name: str) -> None:
        self.rows = self.bytes = 0
        self._sink, self._key_name = sink, key_name
        self._digest, self._buffer = hashlib.sha256(), Buffer()
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0
        self._runs = _Runs()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def add(self, batch: pa.RecordBatch) -> None:
        self._waiting.append(batch)
        self._waiting_rows += len(batch)
        self.rows += len(batch)
        if self._waiting_rows >= BATCH_ROWS:
            self._runs.add(self._run())

    def finish(self) -> None:
        """Writes the file. Nothing is added afterwards."""
        with pa.ipc.new_file(pa.PythonFile(self._buffer, mode="w"), SCHEMA) as writer:
            for batch in self._runs.merged(self._run(), self.rows):
                self._require_distinct(batch)
                writer.write_batch(batch)
                self._flush()
        self._flush()
        self._sink.finish()

    def close(self) -> None:
        """Gives up what was not finished."""
        self._runs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> pa.RecordBatch:
        waiting, self._waiting, self._waiting_rows = self._waiting, [], 0
        return _sorted(waiting)

    def _flush(self) -> None:
        data = self._buffer.take()
        self._digest.update(data)
        self.bytes += len(data)
        self._sink.write(data)

    def _require_distinct(self, batch: pa.RecordBatch) -> None:
        marks = numbers(batch, "mark")
        equal = np.flatnonzero(marks[1:] == marks[:-1])
        keys = [batch.column("key")[int(row)].as_py() for place in equal for row in (place, place + 1)]
        for first, second in zip(keys[::2], keys[1::2], strict=True):
            if first == second:
                raise DataError(
                    f"two rows have the same {self._key_name}, by which mode: changes tells rows apart",
                    where=f"{self._key_name} {first}",
                    remedy="mend the rows, declare another unique id in the catalog, or take mode: full",
                )


class _Runs:
    """Sorted batches in a file of their own, until the last is there."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._file: MappedFile | None = None
        self._writer: pa.RecordBatchFileWriter | None = None

    def add(self, run: pa.RecordBatch) -> None:
        if self._file is None or self._writer is None:
            self._file = self._stack.enter_context(MappedFile())
            self._writer = pa.ipc.new_file(pa.PythonFile(_Written(self._file), mode="w"), SCHEMA)
        self._writer.write_batch(run)

    def merged(self, last: pa.RecordBatch, rows: int) -> Iterator[pa.RecordBatch]:
        """All of them and the `last`, which are `rows`, in batches of about BATCH_ROWS."""
        if self._file is None or self._writer is None:
            yield last
            return
        self._writer.close()
        reader = pa.ipc.open_file(pa.BufferReader(self._file.map()))
        number = -(-rows // BATCH_ROWS)
        bounds = np.array([MARKS * place // number for place in range(1, number)], np.uint64)
        runs = [*(reader.get_batch(place) for place in range(reader.num_record_batches)), last]
        cuts = [(0, *np.searchsorted(numbers(run, "mark"), bounds).tolist(), len(run)) for run in runs]
        for place in range(number):
            yield _sorted(
                [
                    run.slice(cut[place], cut[place + 1] - cut[place])
                    for run, cut in zip(runs, cuts, strict=True)
                ]
            )
            self._file.release()

    def close(self) -> None:
        self._stack.close()


class _Written(Buffer):
    """What Arrow writes goes on into a file."""

    def __init__(self, file: MappedFile) -> None:
        super().__init__()
        self._file = file

    def write(self, data: object) -> int:
        size = super().write(data)
        self._file.write(self.take())
        return size


def _sorted(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    """In one piece of memory, ascending by marks, and by keys where those are equal."""
    whole = pa.concat_batches(batches) if batches else pa.RecordBatch.from_pylist([], SCHEMA)
    order = np.lexsort((numbers(whole, "check"), numbers(whole, "mark")))
    return whole.take(pa.array(order))
