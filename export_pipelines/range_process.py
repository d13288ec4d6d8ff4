"""What a process does first that runs a range of a backfill, before libraries are loaded."""

import os
import signal
import threading
from multiprocessing import connection, parent_process

from export_pipelines.interrupts import hear
from export_pipelines.run.memory import keep_free_memory


def begin() -> None:
    """It chooses its memory and hears signals as the command does, and ends with it."""
    keep_free_memory()
    hear()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent
    connection.wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
