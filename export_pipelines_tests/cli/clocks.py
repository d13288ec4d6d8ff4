"""Clocks of ranges in processes of their own, which import this module and nothing else of the tests."""

import os
import signal
from datetime import UTC, datetime


def now() -> datetime:
    return datetime(2024, 2, 1, tzinfo=UTC)


def killed() -> datetime:
    """Ends the process that asks for the time, as a machine without memory does."""
    os.kill(os.getpid(), signal.SIGKILL)
    return now()
