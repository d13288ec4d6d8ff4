"""Whether an error says that a disk is full, or fails, and which: libraries tell it in many words."""

import errno
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT})
VAGUE = frozenset(
    {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
)  # what SQLite says of a full disk, at times
LITTLE_BYTES = 1 << 20


def full_place(error: BaseException, home: Path) -> Path | None:
    """The file or folder whose disk is full, by `error` or what caused it; None where it is about something else. SQLite's
    files are taken to lie in `home`."""
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.errno in ERRORS:
            return Path(cause.filename) if cause.filename else _fullest(home)
        if isinstance(cause, sqlite3.Error) and is_full(cause, home):
            return home
    return None


def broken_place(error: BaseException, home: Path) -> Path | None:
    """The file or folder whose disk fails, or that cannot be opened, by `error` or what caused it; None where it is about
    something else."""
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.errno == errno.EIO:
            return Path(cause.filename) if cause.filename else home
        if isinstance(cause, sqlite3.Error) and getattr(cause, "sqlite_errorcode", 0) & 0xFF in VAGUE:
            return home
    return None


def is_full(error: sqlite3.Error, folder: Path) -> bool:
    """Whether SQLite, whose file is in `folder`, means that the disk is full."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # its kind, without the finer one
    return code == sqlite3.SQLITE_FULL or (code in VAGUE and _free(folder) < LITTLE_BYTES)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen, cause = set[int](), error
    while id(cause) not in seen:
        yield cause
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__ or cause


def _fullest(home: Path) -> Path:
    """Of the folders that are written into: HOME, and that of temporary files."""
    return min((home, Path(tempfile.gettempdir())), key=_free)


def _free(folder: Path) -> int:
    with suppress(OSError):
        return shutil.disk_usage(folder).free
    return LITTLE_BYTES
