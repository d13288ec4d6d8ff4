"""A bounded queue between two threads that can be closed under both, so that neither waits for a dead one."""

import threading
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

T = TypeVar("T")
LOOK_S = 0.1  # how soon a waiting thread sees that the run was stopped


class Stopped(Exception):
    """The run ends: another thread failed, or the caller was interrupted."""


class Channel(Generic[T]):
    """At most `size` items wait; `put` and `get` raise Stopped as soon as `stop` is set."""

    def __init__(self, size: int, stop: threading.Event) -> None:
        self._queue: Queue[T] = Queue(size)
        self._stop = stop

    def put(self, item: T) -> None:
        while not self._stop.is_set():
            try:
                return self._queue.put(item, timeout=LOOK_S)
            except Full:
                continue
        raise Stopped

    def get(self) -> T:
        while not self._stop.is_set():
            try:
                return self._queue.get(timeout=LOOK_S)
            except Empty:
                continue
        raise Stopped
