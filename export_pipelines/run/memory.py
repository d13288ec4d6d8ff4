"""Where the memory of libraries comes from, in processes that execute plans."""

import ctypes
import gc
import os
import sys
from contextlib import suppress
from functools import cache

OF_A_STREAM = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # which its driver takes memory from, too
    "POLARS_MAX_THREADS": "1",  # which a stream's small frames do not keep busy
    # of Polars' allocator: one place that memory is taken from, given back to the system soon
    "_RJEM_MALLOC_CONF": "narenas:1,dirty_decay_ms:100,muzzy_decay_ms:0",
}
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # of mallopt(3)
# each with the variable that chooses it too
ONE_HEAP = (M_ARENA_MAX, "MALLOC_ARENA_MAX", 1)
FREE_STAYS = (
    (M_TRIM_THRESHOLD, "MALLOC_TRIM_THRESHOLD_", 256 << 20),
    (M_MMAP_THRESHOLD, "MALLOC_MMAP_THRESHOLD_", 32 << 20),
)


def choose_memory() -> None:
    """Arrow's memory from the heap that other libraries share, but Polars, where nobody chose another: what one of them frees the
    next one takes, and a backfill of large days takes 10 MB less than with an allocator of Arrow's own."""
    import pyarrow as pa

    if "ARROW_DEFAULT_MEMORY_POOL" not in os.environ:
        pa.set_memory_pool(pa.system_memory_pool())


def share_heap() -> None:
    """All threads take memory from one heap, where nobody chose otherwise: with one for each, as glibc has it, a backfill of large
    days keeps 20 MB more, and fifty downloads twice the memory that they use. Called before the first other thread begins, as
    those of many libraries do when they are loaded: a heap that is there by then stays."""
    _choose(*ONE_HEAP)


@cache
def keep_free_memory() -> None:
    """What glibc gives to libraries stays with the process when a batch has gone, where nobody chose otherwise: in a backfill of
    large days a tenth of the CPU went into fetching it anew. A process that lives on trims its heap after a run."""
    for chosen in FREE_STAYS:
        _choose(*chosen)


def _choose(option: int, name: str, value: int) -> None:
    if not {"GLIBC_TUNABLES", name} & os.environ.keys():
        call_glibc("mallopt", option, value)


def trim_heap() -> None:
    """Collects cycles, such as an error and the request's body in its frames, and gives freed memory back to the system, which
    glibc would keep after many downloads at once, or after a run."""
    gc.collect()
    call_glibc("malloc_trim", 0)


def call_glibc(name: str, *numbers: int) -> None:
    """Nothing where another C library is."""
    if sys.platform.startswith("linux"):
        with suppress(AttributeError, OSError):
            getattr(ctypes.CDLL(None), name)(*numbers)


def choose_memory_of_a_stream() -> None:
    """What keeps a process small that runs one stream and nothing else, where nobody chose otherwise. Polars reads it when it
    is imported, so it is called before."""
    for name, value in OF_A_STREAM.items():
        os.environ.setdefault(name, value)
