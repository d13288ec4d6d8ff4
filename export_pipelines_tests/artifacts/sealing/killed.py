"""Processes that die in the middle of what they do to a store."""

import os
import sys
from collections.abc import Callable

from export_pipelines.artifacts.sealing import SealedStore

STEPS = ("open", "os.rename", "os.remove")


def killed_at(step: int, store: SealedStore, work: Callable[[], object], below: str = "") -> bool:
    """Does `work` in a process that dies at its n-th step on files, of which only those with `below` in their path count;
    whether it came to the end."""
    child = os.fork()
    if child == 0:
        store.keys.engine.dispose(close=False)  # type: ignore[attr-defined]  # the parent's
        left = [step]

        def die(event: str, arguments: tuple[object, ...]) -> None:
            if event in STEPS and below in str(arguments[0]):
                left[0] -= 1
                if not left[0]:
                    os._exit(9)

        sys.addaudithook(die)
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, 9), code
    return code == 0
