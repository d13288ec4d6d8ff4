"""Connections to destinations that stay open from one delivery to the next, for whoever has many artifacts to deliver."""

import logging
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


class Sessions:
    """A context in whose block connections stay open; without it each is closed after its use, and so it is with the outermost
    of blocks within each other. Threads may share it: a connection serves one delivery at a time. Keys have all that a
    connection depends on, secrets included."""

    def __init__(self) -> None:
        self._blocks = 0
        self._idle: dict[Hashable, tuple[Any, ExitStack]] = {}
        self._clients: dict[Hashable, Any] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> "Sessions":
        with self._lock:
            self._blocks += 1
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._blocks -= 1
            if self._blocks:
                return
            idle, self._idle, self._clients = self._idle, {}, {}
        for _, stack in idle.values():
            stack.close()

    @contextmanager
    def session(
        self, key: Hashable, connect: Callable[[], AbstractContextManager[T]], lives: Callable[[T], bool]
    ) -> Iterator[T]:
        """An idle connection of `key` that `lives`, else the one that `connect` opens. After an error of the block it is
        closed."""
        idle, stack = self._idle_session(key, lives)
        with stack:
            session: T = stack.enter_context(connect()) if idle is None else idle
            yield session
            with self._lock:
                if self._blocks and key not in self._idle:
                    self._idle[key] = session, stack.pop_all()

    def client(self, key: Hashable, open: Callable[[], T]) -> T:
        """A client that threads may share and nobody needs to close."""
        with self._lock:
            if key in self._clients:
                return self._clients[key]  # type: ignore[no-any-return]
            client = open()
            if self._blocks:
                self._clients[key] = client
            return client

    def _idle_session(self, key: Hashable, lives: Callable[[Any], bool]) -> tuple[Any, ExitStack]:
        with self._lock:
            idle = self._idle.pop(key, None)
        if idle is None:
            return None, ExitStack()
        session, stack = idle
        if lives(session):
            return session, stack
        log.debug("the other side closed an idle connection")
        stack.close()
        return None, ExitStack()
