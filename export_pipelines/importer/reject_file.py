"""The records that could not be loaded, each with line, reason and its text as it stood in the file."""

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol, TextIO

from export_pipelines.errors import StoreError
from export_pipelines.files.private import make_folder

HEADER = ("line", "reason", "raw")
SHOWN = 10  # rejects of a dry run


class Rejects(Protocol):
    """Takes the records that cannot be loaded, and counts them."""

    count: int

    def add(self, line: int, reason: str, raw: str) -> None: ...


class FirstRejects:
    """The first lines and reasons, which quote no value, of a dry run."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[tuple[int, str]] = []

    def add(self, line: int, reason: str, raw: str) -> None:
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append((line, reason))


class RejectFile:
    """A CSV file that appears, whole and readable by its owner alone, when it is finished and holds a record."""

    def __init__(self, path: Path, stream: TextIO) -> None:
        self._path, self._stream = path, stream
        # Python's writer leaves a bare CR unquoted unless all text is quoted.
        self._writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        with _writing(path):
            self._writer.writerow(HEADER)
        self.count = 0

    def add(self, line: int, reason: str, raw: str) -> None:
        """Raises StoreError."""
        with _writing(self._path):
            self._writer.writerow((line, reason, raw))
        self.count += 1

    def finish(self) -> Path | None:
        """The file, or None when nothing was rejected; then a file that an earlier import left is taken away."""
        with _writing(self._path):
            self._stream.flush()
            os.fsync(self._stream.fileno())
            if self.count:
                Path(self._stream.name).replace(self._path)
                return self._path
            if _is_reject_file(self._path):
                self._path.unlink()
        return None


@contextmanager
def reject_file(path: Path) -> Iterator[RejectFile]:
    """A reject file in the making, gone again unless it is finished. Raises StoreError."""
    waiting = path.with_name(f".{path.name}.part")
    with _writing(path):
        make_folder(path.parent)
        waiting.unlink(missing_ok=True)
        descriptor = os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode=0o600)
        os.close(descriptor)
        stream = waiting.open("w", encoding="utf-8", newline="")
    try:
        yield RejectFile(path, stream)
    finally:
        with suppress(OSError):
            stream.close()
        with suppress(OSError):
            waiting.unlink(missing_ok=True)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"cannot write the reject file: {error.strerror}", where=str(path)) from error


def _is_reject_file(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as stream:
        return stream.readline().strip() == ",".join(f'"{name}"' for name in HEADER)
