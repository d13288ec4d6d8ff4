"""Failures of a file system, told as errors of the store: what could not be done, where, what to do."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from export_pipelines.errors import ExportError, StoreError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_NO_FOLDER = {errno.ENOTDIR, errno.EEXIST}


@contextmanager
def store_errors(
    doing: str, where: Path | str, kind: type[ExportError] = StoreError, remedy: str = ""
) -> Iterator[None]:
    """Raises an OSError of the block as `kind`: "cannot <doing>: No space left on device"; with the `remedy`, or else what
    usually helps."""
    try:
        yield
    except OSError as error:
        raise kind(
            f"cannot {doing}: {error.strerror or type(error).__name__}",
            where=str(where),
            remedy=remedy or _remedy(error.errno),
        ) from error


def _remedy(number: int | None) -> str:
    if number in _FULL:
        return "the disk is full, or a quota or file size limit is reached: make room, then run again"
    if number in _FORBIDDEN:
        return "give this user the right to write there, or name another folder"
    if number in _NO_FOLDER:
        return "a file stands where a folder has to be: name another folder"
    return "see to that folder, then run again"
