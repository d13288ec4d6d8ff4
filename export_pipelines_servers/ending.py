"""Servers end with who started them, however that one ends: by a signal, killed, or because its own parent is gone."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PR_SET_PDEATHSIG = 1
PATIENCE_S = 10


def end_by_signals() -> None:
    """From now on a signal, or the death of this process's parent, ends it through its `finally` blocks."""
    for number in ENDING:
        signal.signal(number, _leave)
    parent = os.getppid()
    with_parent(signal.SIGTERM)()
    if os.getppid() != parent:  # it died just now
        _leave(signal.SIGTERM, None)


def with_parent(by: signal.Signals) -> Callable[[], object]:
    """For `preexec_fn`, where it takes no lock: the kernel sends the new process `by` when the thread that started it ends.
    Linux only; elsewhere no signal is sent."""
    if not sys.platform.startswith("linux"):
        return _hear
    prctl = partial(ctypes.CDLL(None).prctl, PR_SET_PDEATHSIG, int(by), 0, 0, 0)

    def begin() -> None:
        prctl()
        _hear()

    return begin


@contextmanager
def undisturbed() -> Iterator[None]:
    """Signals that end wait until the block is over: what is raised while Python forks is lost. A process that is started
    inside hears them again through `with_parent`."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        _hear()


def _hear() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


def end(process: "subprocess.Popen[bytes]", by: signal.Signals = signal.SIGTERM) -> None:
    """Sends `by`, then SIGKILL to what does not end in time. Returns when the process is gone."""
    process.send_signal(by)
    with suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE_S)
    process.kill()
    process.wait()


def _leave(number: int, _: FrameType | None) -> None:
    if number in signal.pthread_sigmask(
        signal.SIG_BLOCK, ()
    ):  # undisturbed, and another thread took it: it waits here, too
        signal.pthread_kill(threading.get_ident(), number)
        return
    for ending in ENDING:  # what ends is not interrupted once more
        signal.signal(ending, signal.SIG_IGN)
    sys.exit(128 + number)
