"""What the process keeps of memory that nothing uses: cycles that Python has not collected, and what glibc does not return."""

import gc

from export_pipelines.run.memory import M_ARENA_MAX, call_glibc, trim_heap


def share_heap() -> None:
    """All threads share one heap: with one for each, as glibc has it, fifty downloads keep twice the memory that they use."""
    call_glibc("mallopt", M_ARENA_MAX, 1)


def freeze_heap() -> None:
    """What was loaded by now stays: collections leave it out, and take milliseconds."""
    trim_heap()
    gc.freeze()
