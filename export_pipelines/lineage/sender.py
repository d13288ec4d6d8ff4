"""Sends events in a thread of its own, so that a server which does not answer neither fails nor delays a run."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

log = logging.getLogger(__name__)
Event = TypeVar("Event")

MOST = 1000  # events that wait; the oldest go first
WAIT_S = 3.0  # at the end of a run, for its events to be sent
PAUSE_S = 60.0  # after an event that was not taken, nobody waits for so long


class Sender(Generic[Event]):
    """`send` takes an event, and raises for one that was not taken. One process has one for each server."""

    def __init__(self, send: Callable[[Event], object]) -> None:
        self._send = send
        self._waiting = deque[Event](maxlen=MOST)
        self._changed = threading.Condition()
        self._busy = False
        self._thread: threading.Thread | None = None
        self._paused_until = 0.0

    def put(self, event: Event) -> None:
        """Returns at once."""
        with self._changed:
            self._waiting.append(event)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="lineage", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def wait(self) -> None:
        """Until all events are sent, for WAIT_S at most; not at all while the server does not take them."""
        with self._changed:
            if time.monotonic() >= self._paused_until and not self._changed.wait_for(self._is_idle, WAIT_S):
                self._pause("the server does not answer")

    def _is_idle(self) -> bool:
        return not self._waiting and not self._busy

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
                event, self._busy = self._waiting.popleft(), True
            fault = self._fault_of(event)
            with self._changed:
                self._busy = False
                if fault:
                    self._pause(fault)
                else:
                    self._paused_until = 0.0
                self._changed.notify_all()

    def _fault_of(self, event: Event) -> str | None:
        """The class of the error alone: its text may quote the URL."""
        try:
            self._send(event)
        except Exception as error:
            return type(error).__name__
        return None

    def _pause(self, why: str) -> None:
        log.warning("lineage not sent", extra={"fault": why})
        self._paused_until = time.monotonic() + PAUSE_S
