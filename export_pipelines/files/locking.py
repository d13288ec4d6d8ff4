"""Locks that die with their holder: flock on a file, released by the kernel however the process ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from export_pipelines.files.private import FILE_MODE


def try_lock(path: Path) -> int | None:
    """An open descriptor that holds the lock of `path` (made if missing), or None while another one holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Waits for the lock of `path`, holds it for the block, and takes the file away again."""
    descriptor = _wait(path)
    try:
        yield
    finally:
        _let_go(path, descriptor)


@contextmanager
def hold_lock(path: Path) -> Iterator[bool]:
    """Whether the lock of `path` is ours for the block; does not wait, and takes the file away again."""
    descriptor = try_lock(path)
    while descriptor is not None and not _still_there(path, descriptor):
        os.close(descriptor)  # its last holder took the file away: this lock guards nothing
        descriptor = try_lock(path)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            _let_go(path, descriptor)


def _let_go(path: Path, descriptor: int) -> None:
    """What the block did is done, also where the file cannot be taken away, at the second try either: it guards nothing then,
    and the next holder takes it away."""
    try:
        for _ in range(2):
            with suppress(OSError):
                path.unlink(missing_ok=True)
                return
    finally:
        os.close(descriptor)


def _wait(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if _still_there(path, descriptor):
            return descriptor
        os.close(descriptor)  # its last holder took the file away: this lock guards nothing


def _still_there(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def sync_folder(folder: Path) -> None:
    """Makes renames and new names in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
