"""What a process does first that runs a range of a backfill, before libraries are loaded."""

import os
import signal
import threading
from multiprocessing import connection, parent_process

from export_pipelines.interrupts import hear
from export_pipelines.run.memory import share_heap


def begin() -> None:
    """It has one heap and hears signals as the command does, and ends with it."""
    share_heap()
    hear()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent
    connection.wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
