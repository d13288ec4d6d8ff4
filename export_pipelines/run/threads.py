"""Threads that are kept for whoever needs some next: libraries keep memory for each thread that ever was, and a backfill would
start thousands of them."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from itertools import count
from typing import Any, TypeVar

NAME = "kept_"
T = TypeVar("T")
_numbers = count(1)


class KeptThread:
    """One thread, which carries out what is submitted to it one after the other."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"{NAME}{next(_numbers)}")
        self._submitted: list[Future[Any]] = []

    def submit(self, function: Callable[..., T], *arguments: object) -> Future[T]:
        """In the context of the caller."""
        future = self._executor.submit(copy_context().run, function, *arguments)
        self._submitted = [*(other for other in self._submitted if not other.done()), future]
        return future

    def end(self) -> None:
        """Waits for what was begun, also when an interrupt comes meanwhile; what was not begun never is."""
        begun = [future for future in self._submitted if not future.cancel()]
        try:
            wait(begun)
        except BaseException:
            wait(begun)
            raise
        finally:
            self._submitted = []


_idle: list[KeptThread] = []
os.register_at_fork(after_in_child=_idle.clear)  # a forked child has none of them


@contextmanager
def kept_threads(number: int) -> Iterator[list[KeptThread]]:
    """So many threads for the block, at whose end all that they have begun has ended."""
    with ExitStack() as stack:
        yield [stack.enter_context(_kept_thread()) for _ in range(number)]


@contextmanager
def _kept_thread() -> Iterator[KeptThread]:
    try:
        thread = _idle.pop()
    except IndexError:
        thread = KeptThread()
    try:
        yield thread
    finally:
        thread.end()
        _idle.append(thread)  # not one that a second interrupt found at work
