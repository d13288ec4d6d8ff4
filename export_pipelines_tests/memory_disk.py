"""Temporary files of the tests lie in memory where there is room: a database in a file waits for the disk at each commit, and
Dagster commits a hundred times for a run. With TMPDIR set they lie there instead."""

import os
import re
import shutil
import tempfile
from contextlib import suppress
from multiprocessing.util import Finalize
from pathlib import Path

MEMORY = Path("/dev/shm")
NAME = "pytest_{pid}"
GIB = 1 << 30
AFTER_ALL = -1000  # multiprocessing has a folder of its own there, which it removes at -100
NEEDED_FREE, NEEDED_AVAILABLE = 4 * GIB, 8 * GIB  # a whole run takes less than 2 GiB


def use_memory() -> None:
    """Names a new folder in memory as TMPDIR, for this process and those that it starts."""
    if "TMPDIR" in os.environ or not _has_room():
        return
    _remove_left_over()
    folder = MEMORY / NAME.format(pid=os.getpid())
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o711)  # servers that do not run as root reach their own folders
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)


def forget_memory() -> None:
    """At the end of this process the folder goes, if this process made it."""
    folder = MEMORY / NAME.format(pid=os.getpid())
    if folder.is_dir():
        Finalize(None, shutil.rmtree, (folder,), {"ignore_errors": True}, exitpriority=AFTER_ALL)


def _has_room() -> bool:
    """Whether files there may be programs, and whether there is enough of the disk and of the memory."""
    try:
        disk = os.statvfs(MEMORY)
        memory = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return False
    available = re.search(r"^MemAvailable: +(\d+) kB$", memory, re.MULTILINE)
    return (
        os.access(MEMORY, os.W_OK)
        and not disk.f_flag & os.ST_NOEXEC
        and disk.f_bavail * disk.f_frsize >= NEEDED_FREE
        and available is not None
        and int(available[1]) * 1024 >= NEEDED_AVAILABLE
    )


def _remove_left_over() -> None:
    """Folders of runs that failed, which keep them, or were killed."""
    for folder in MEMORY.glob(NAME.format(pid="*")):
        pid = folder.name.rpartition("_")[2]
        if pid.isdecimal() and not Path("/proc", pid).exists():
            with suppress(OSError):
                shutil.rmtree(folder)
