"""The records that could not be loaded, each with line, reason and its text as it stood in the file."""

import csv
import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Protocol, TextIO

from export_pipelines.errors import ImportFileError, StoreError
from export_pipelines.files.locking import hold_lock, sync_folder
from export_pipelines.files.private import FILE_MODE, make_folder

HEADER = ("line", "reason", "raw")
WAITING, PART = ".export_pipelines-rejects-", ".part"  # around the name of one that is not finished
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
    """A CSV file that appears, whole and readable by its owner alone, when it is finished and holds a record. No file that is
    there is replaced: `is_numbered` then gives it the first free name of `x.csv`, `x_2.csv`, ..."""

    def __init__(self, path: Path, stream: TextIO, is_numbered: bool) -> None:
        self._path, self._stream, self._is_numbered = path, stream, is_numbered
        # Python's writer leaves a bare CR unquoted unless all text is quoted.
        self._writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        with _writing(path):
            self._writer.writerow(HEADER)
        self.count = 0
        self.finished: Path | None = None

    def add(self, line: int, reason: str, raw: str) -> None:
        """Raises StoreError."""
        with _writing(self._path):
            self._writer.writerow((line, reason, raw))
        self.count += 1

    def finish(self) -> Path | None:
        """The file, or None when nothing was rejected."""
        with _writing(self._path):
            self._stream.flush()
            os.fsync(self._stream.fileno())
            if self.count:
                self.finished = self._reserved()
                Path(self._stream.name).replace(self.finished)
                sync_folder(self.finished.parent)
        return self.finished

    def _reserved(self) -> Path:
        """A name that nobody else has, nor can take any more."""
        for number in count(1):
            path = self._path if number == 1 else self._path.with_stem(f"{self._path.stem}_{number}")
            try:
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))
            except FileExistsError:
                if not self._is_numbered:
                    raise
            else:
                return path
        raise AssertionError("count() does not end")


@contextmanager
def reject_file(path: Path, is_numbered: bool = False) -> Iterator[RejectFile]:
    """A reject file in the making, gone again where the block fails. Raises ImportFileError for a name that a file has, unless
    it may be numbered, and StoreError."""
    if not is_numbered and path.exists():
        raise ImportFileError(
            "a file of that name is there, and no reject file replaces another file",
            where=str(path),
            remedy="move it away, or give --rejects another name",
        )
    with ExitStack() as stack:
        with _writing(path):
            make_folder(path.parent)
            _sweep(path.parent)
            waiting = path.parent / f"{WAITING}{secrets.token_hex(8)}{PART}"
            stack.enter_context(hold_lock(waiting))  # takes it away again
            stream = waiting.open("w", encoding="utf-8", newline="")
            stack.callback(_close, stream)
        rejects = RejectFile(path, stream, is_numbered)
        try:
            yield rejects
        except BaseException:
            if rejects.finished:
                rejects.finished.unlink(missing_ok=True)
            raise


def _close(stream: TextIO) -> None:
    """What could not be written was an error before."""
    with suppress(OSError):
        stream.close()


def _sweep(folder: Path) -> None:
    """Removes what killed imports left: its lock is free."""
    for path in folder.glob(f"{WAITING}*{PART}"):
        with hold_lock(path):
            pass


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"cannot write the reject file: {error.strerror}", where=str(path)) from error
