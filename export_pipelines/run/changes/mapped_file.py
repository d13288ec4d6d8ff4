"""A file without a name that is read through memory: it is gone with its process, and its pages are given back at will."""

import mmap
import tempfile
from types import TracebackType
from typing import BinaryIO, Self

import pyarrow as pa

from export_pipelines.errors import StoreError


class MappedFile:
    """Is written first through `file`; `map` ends that. Only its owner can read it, and nothing personal belongs into it."""

    def __init__(self) -> None:
        self.file: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115
        self._map: mmap.mmap | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, data: bytes) -> None:
        """Raises StoreError where there is no room."""
        try:
            self.file.write(data)
        except OSError as error:
            raise StoreError(
                f"cannot keep digests of rows: {error.strerror}",
                where=tempfile.gettempdir(),
                remedy="make room, or set TMPDIR to a folder that has it",
            ) from error

    def map(self) -> pa.Buffer:
        """All that was written."""
        self.file.flush()
        if not self.file.tell():
            return pa.py_buffer(b"")
        self._map = mmap.mmap(self.file.fileno(), 0, prot=mmap.PROT_READ)
        return pa.py_buffer(self._map)

    def release(self) -> None:
        """Takes what was read out of the memory of this process; it is read again where it is needed."""
        if self._map is not None:
            self._map.madvise(mmap.MADV_DONTNEED)

    def close(self) -> None:
        self.file.close()  # the map goes with the last buffer over it
