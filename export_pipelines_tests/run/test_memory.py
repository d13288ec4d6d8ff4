"""What processes that execute plans do with free memory."""

import os
import subprocess
import sys

import pytest

GROWS_AND_SHRINKS = """\
import ctypes
from export_pipelines.run.memory import keep_free_memory

def held():
    with open("/proc/self/statm") as status:
        return int(status.read().split()[1]) * 4096

if {keeps}:
    keep_free_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
pieces = [libc.malloc(1 << 20) for _ in range(64)]
for piece in pieces:
    ctypes.memset(piece, 1, 1 << 20)
full = held()
for piece in pieces:
    libc.free(piece)
print(full - held())
"""
MB = 1 << 20

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def given_back(keeps: bool, **chosen: str) -> int:
    """Bytes of 64 MB that a process frees."""
    free = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    done = subprocess.run(
        [sys.executable, "-c", GROWS_AND_SHRINKS.format(keeps=keeps)],
        env={**free, **chosen},
        stdout=subprocess.PIPE,
        check=True,
    )
    return int(done.stdout)


def test_free_memory_stays_where_it_is_asked_for() -> None:
    assert given_back(keeps=False) > 32 * MB
    assert given_back(keeps=True) < 8 * MB


def test_what_the_operator_chose_stays() -> None:
    chosen = {"MALLOC_TRIM_THRESHOLD_": "131072", "MALLOC_MMAP_THRESHOLD_": "131072"}
    assert given_back(keeps=True, **chosen) > 32 * MB
