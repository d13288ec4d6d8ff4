"""A file without a name that is read through memory: it is gone with its process, and its pages are given back at will."""

import mmap
import os
import tempfile
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import BinaryIO, Self

import pyarrow as pa

from export_pipelines.files.os_errors import store_errors


class MappedFile:
    """Is written first; `map` ends that. Only its owner can read it, and nothing personal belongs into it. Raises StoreError where
    it cannot be made, or there is no room."""

    def __init__(self) -> None:
        with _errors():
            self._file: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115
        self._map: mmap.mmap | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, data: bytes) -> None:
        with _errors():
            self._file.write(data)

    def map(self) -> pa.Buffer:
        """All that was written."""
        with _errors():
            self._file.flush()
            if not self._file.tell():
                return pa.py_buffer(b"")
            self._map = mmap.mmap(self._file.fileno(), 0, prot=mmap.PROT_READ)
        return pa.py_buffer(self._map)

    def release(self) -> None:
        """Takes what was read out of the memory of this process; it is read again where it is needed."""
        if self._map is not None:
            self._map.madvise(mmap.MADV_DONTNEED)

    def close(self) -> None:
        with suppress(OSError):  # what could not be written is written once more, and nobody needs it
            self._file.close()  # the map goes with the last buffer over it


def _errors() -> AbstractContextManager[None]:
    where = os.environ.get("TMPDIR") or "the folder of temporary files"
    remedy = "make room, or set TMPDIR to a folder that has it and may be written"
    return store_errors("keep digests of rows", where, remedy=remedy)
