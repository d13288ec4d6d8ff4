"""What the process keeps of memory that nothing uses: cycles that Python has not collected, and what glibc does not return."""

import contextlib
import ctypes
import gc
import sys

M_ARENA_MAX = -8  # of glibc's mallopt


def share_heap() -> None:
    """All threads share one heap: with one for each, as glibc has it, fifty downloads keep twice the memory that they use."""
    _call("mallopt", M_ARENA_MAX, 1)


def freeze_heap() -> None:
    """What was loaded by now stays: collections leave it out, and take milliseconds."""
    trim_heap()
    gc.freeze()


def trim_heap() -> None:
    """Collects cycles, such as an error and the request's body in its frames, and gives freed memory back to the system, which
    glibc would keep after many downloads at once."""
    gc.collect()
    _call("malloc_trim", 0)


def _call(name: str, *numbers: int) -> None:
    if sys.platform.startswith("linux"):
        with contextlib.suppress(AttributeError, OSError):
            getattr(ctypes.CDLL(None), name)(*numbers)
