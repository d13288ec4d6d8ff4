"""Where the memory of libraries comes from, in processes that execute plans."""

import ctypes
import os
from contextlib import suppress
from functools import cache

OF_A_STREAM = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # which its driver takes memory from, too
    "POLARS_MAX_THREADS": "1",  # which a stream's small frames do not keep busy
    # of Polars' allocator: one place that memory is taken from, given back to the system soon
    "_RJEM_MALLOC_CONF": "narenas:1,dirty_decay_ms:100,muzzy_decay_ms:0",
}
# of mallopt(3), each with the variable that chooses it too: free memory stays, and few places hold it
OF_GLIBC = (
    (-1, "MALLOC_TRIM_THRESHOLD_", 256 << 20),
    (-3, "MALLOC_MMAP_THRESHOLD_", 32 << 20),
    (-8, "MALLOC_ARENA_MAX", 2),
)


def choose_memory() -> None:
    """Arrow's memory from jemalloc, where its build has that and nobody chose another: masked exports took 30 MB less, and
    needed not fetch large buffers from the system anew."""
    import pyarrow as pa

    if "ARROW_DEFAULT_MEMORY_POOL" not in os.environ:
        with suppress(NotImplementedError):
            pa.set_memory_pool(pa.jemalloc_memory_pool())


@cache
def keep_free_memory() -> None:
    """What glibc gives to other libraries stays with the process when a batch has gone, where nobody chose otherwise: in a
    backfill of large days a tenth of the CPU went into fetching it anew. A process that runs for ever should not."""
    with suppress(AttributeError):  # of another C library
        mallopt = ctypes.CDLL(None).mallopt
        for option, name, value in OF_GLIBC:
            if name not in os.environ:
                mallopt(option, value)


def choose_memory_of_a_stream() -> None:
    """What keeps a process small that runs one stream and nothing else, where nobody chose otherwise. Polars reads it when it
    is imported, so it is called before."""
    for name, value in OF_A_STREAM.items():
        os.environ.setdefault(name, value)
