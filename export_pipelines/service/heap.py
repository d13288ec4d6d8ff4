"""What the process keeps of memory that nothing uses: cycles that Python has not collected, and what glibc does not return."""

import gc

from export_pipelines.run.memory import trim_heap


def freeze_heap() -> None:
    """What was loaded by now stays: collections leave it out, and take milliseconds."""
    trim_heap()
    gc.freeze()
