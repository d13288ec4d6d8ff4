"""Which of the kept threads are at work."""

import sys
import threading
import time

from export_pipelines.run.threads import NAME

PATIENCE_S = 60.0


def at_work() -> list[str]:
    """The names of those that go on with something: none, as soon as all wait for what is submitted next."""
    until = time.monotonic() + PATIENCE_S
    while (names := _busy()) and time.monotonic() < until:
        time.sleep(0.001)  # a result is there a moment before its thread waits again
    return names


def _busy() -> list[str]:
    frames = sys._current_frames()
    kept = [thread for thread in threading.enumerate() if thread.name.startswith(NAME)]
    return [thread.name for thread in kept if frames[thread.ident or 0].f_code.co_name != "_worker"]
