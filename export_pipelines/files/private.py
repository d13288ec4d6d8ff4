"""Files and folders that only their owner may read: personal data and secrets are written here.

The modes are set where a file is made, so they hold whatever the umask of the process that uses the package."""

import errno
import os
import stat
from contextlib import suppress
from io import BufferedWriter
from itertools import takewhile
from pathlib import Path
from typing import cast

from export_pipelines.errors import SettingsError

UMASK = 0o077
FOLDER_MODE, FILE_MODE = 0o700, 0o600


def close_umask() -> None:
    """For a process of our own: what libraries write (Dagster, SQLite) is closed as well."""
    os.umask(UMASK)


def make_folder(path: Path) -> list[Path]:
    """Makes `path`, each missing folder with 0700; existing folders keep their mode. Raises OSError.

    Returns the folders that were missing, the deepest first.
    """
    missing = list(takewhile(lambda folder: not folder.exists(), (path, *path.parents)))
    for folder in reversed(missing):
        folder.mkdir(FOLDER_MODE, exist_ok=True)
    if not missing and not path.is_dir():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    return missing


def open_new(path: Path, buffer_bytes: int) -> BufferedWriter:
    """A new file with 0600, to be written. Raises FileExistsError, or another OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    return cast(BufferedWriter, os.fdopen(descriptor, "wb", buffer_bytes))


def opener(path: str, flags: int) -> int:
    """For `open(..., opener=opener)`: a new file gets 0600."""
    return os.open(path, flags, FILE_MODE)


def make_database(path: Path) -> None:
    """An empty file for SQLite with 0600, unless there is a file; journal and WAL get its mode. Raises OSError."""
    make_folder(path.absolute().parent)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))


def close_home(home: Path) -> None:
    """Takes the rights of group and others from an existing HOME; does nothing where there is none yet.

    Raises SettingsError for a folder that many users share, such as /tmp, or that belongs to another user.
    """
    if not home.is_dir():
        return
    mode = stat.S_IMODE(home.stat().st_mode)
    if not mode & UMASK:
        return
    if mode & stat.S_ISVTX:
        raise _open_home("it is a folder that many users share", home)
    try:
        home.chmod(mode & ~UMASK)
    except OSError as error:
        raise _open_home(f"its rights cannot be changed: {error.strerror}", home) from error


def _open_home(reason: str, home: Path) -> SettingsError:
    return SettingsError(
        f"other users may enter the program's folder, and {reason}",
        where=str(home),
        remedy="set EXPORT_PIPELINES_HOME to a folder of its own, with mode 0700, of the user that runs the program",
    )
