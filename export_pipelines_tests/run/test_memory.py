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
HEAPS = """\
import ctypes, threading
{begun}

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.fopen.restype = ctypes.c_void_p, ctypes.c_void_p

def take():
    together.wait()
    libc.malloc(1 << 16)

together = threading.Barrier(4)
threads = [threading.Thread(target=take) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc.malloc_info(0, ctypes.c_void_p(libc.fopen(b"/dev/stdout", b"w")))
libc.fflush(None)
"""
SHARE = "from export_pipelines.run.memory import share_heap; share_heap()"
BEGIN = {  # what a process that executes runs begins with
    "a command": """
import sys
from export_pipelines.cli.app import main
sys.argv[1:] = ["version"]
try:
    main()
except SystemExit:
    import export_pipelines.orchestration""",
    "a run of the UI": "from export_pipelines.run_process import main; main()",
    "a worker": "from export_pipelines.cluster.worker import _load; _load()",
    "a range": "from export_pipelines.range_process import begin; begin(); import export_pipelines.orchestration",
}
MB = 1 << 20

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def given_back(keeps: bool, **chosen: str) -> int:
    """Bytes of 64 MB that a process frees."""
    return int(printed(GROWS_AND_SHRINKS.format(keeps=keeps), **chosen))


def heaps(begun: str, **chosen: str) -> int:
    """Of a process that begins so, and in which four threads take memory at once."""
    return printed(HEAPS.format(begun=begun), **chosen).count("<heap nr=")


def printed(program: str, **chosen: str) -> str:
    free = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**free, **chosen},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def test_free_memory_stays_where_it_is_asked_for() -> None:
    assert given_back(keeps=False) > 32 * MB
    assert given_back(keeps=True) < 8 * MB


def test_what_the_operator_chose_stays() -> None:
    chosen = {"MALLOC_TRIM_THRESHOLD_": "131072", "MALLOC_MMAP_THRESHOLD_": "131072"}
    assert given_back(keeps=True, **chosen) > 32 * MB


def test_all_threads_share_one_heap() -> None:
    assert heaps("") > 1
    assert heaps(SHARE) == 1
    assert heaps(SHARE, MALLOC_ARENA_MAX="3") > 1


@pytest.mark.parametrize("begun", BEGIN)
def test_the_heap_is_shared_before_libraries_have_threads(begun: str) -> None:
    assert heaps(BEGIN[begun]) == 1


def test_arrow_takes_its_memory_from_that_heap() -> None:
    asked = "import pyarrow; from export_pipelines.run.memory import choose_memory; choose_memory(); "
    backend = asked + "print(pyarrow.default_memory_pool().backend_name)"
    assert printed(backend) == "system\n"
    assert printed(backend, ARROW_DEFAULT_MEMORY_POOL="mimalloc") == "mimalloc\n"
