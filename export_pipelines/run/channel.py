"""Items go from one thread to the next; no thread waits for one that has stopped."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Stopped(Exception):
    """The stages end: another thread failed, or the caller was interrupted."""


class _Clock(threading.local):
    waited = 0.0


_clock = _Clock()


def waited() -> float:
    """Seconds that the calling thread has waited for items so far."""
    return _clock.waited


def credit(seconds: float) -> None:
    """The calling thread counts as busy for so long: what it waited for was work of another thread for it alone."""
    _clock.waited -= seconds


class Stop:
    """Set once, it ends the waiting at all channels that were made with it."""

    def __init__(self) -> None:
        self._is_set = False
        self._waiting: list[threading.Condition] = []

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True
        for condition in self._waiting:
            with condition:
                condition.notify_all()

    def wakes(self, condition: threading.Condition) -> None:
        """From now on `set` notifies `condition`."""
        self._waiting.append(condition)


class Channel(Iterator[T], Generic[T]):
    """An iterator over what another thread puts, until it closes the channel.

    `put` returns when at most `waiting` items wait; with 0, when its item was taken. Both sides raise Stopped as soon as
    `stop` is set.
    """

    def __init__(self, stop: Stop, waiting: int = 0) -> None:
        self._stop, self._waiting = stop, waiting
        self._items: deque[T] = deque()
        self._closed = False
        self._changed = threading.Condition()
        stop.wakes(self._changed)

    def put(self, item: T) -> None:
        with self._changed:
            self._items.append(item)
            self._changed.notify_all()
            self._wait_for(lambda: len(self._items) <= self._waiting)

    def close(self) -> None:
        """No more items are put."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __next__(self) -> T:
        began = time.perf_counter()
        try:
            with self._changed:
                self._wait_for(lambda: bool(self._items) or self._closed)
                if not self._items:
                    raise StopIteration
                self._changed.notify_all()
                return self._items.popleft()
        finally:
            _clock.waited += time.perf_counter() - began

    def _wait_for(self, condition: Callable[[], bool]) -> None:
        self._changed.wait_for(lambda: self._stop.is_set() or condition())
        if self._stop.is_set():
            raise Stopped
