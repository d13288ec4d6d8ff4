"""Deliveries beside the writing: what a run has written goes to its destinations while the next window is written.

One thread delivers, in the order of the windows. Nobody waits for it: whoever writes holds a place at the source, and a snapshot of
it. What it has not begun when all is written is left to the ops of the destinations. What waits for it are names; the artifacts
are in the store anyway."""

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import replace
from typing import Self

import dagster as dg

from export_pipelines.interrupts import Interrupted, is_interrupted
from export_pipelines.orchestration.deliver_window import deliver_window
from export_pipelines.orchestration.edges import Delivered, Written
from export_pipelines.project import Project
from export_pipelines.run.threads import kept_threads


class DeliveriesBeside:
    """A context; use it in a block that is interruptible. An error that is no fault of a delivery ends the deliveries here: the
    op of the destination meets it again."""

    def __init__(self, context: dg.OpExecutionContext, project: Project, keys: Sequence[str]) -> None:
        """`keys` are those of all windows of the run, in their order."""
        self.context, self.project = context, project
        self._waiting = deque(keys[:-1])  # behind the last window nothing is written
        self._ended: dict[str, Written] = {}
        self.resources = replace(project.resources, require_time=_require_time)
        self._is_over = threading.Event()
        self._opened = ExitStack()
        self._sent: dict[str, Future[tuple[Delivered, ...]]] = {}

    def __enter__(self) -> Self:
        self._opened.enter_context(self.resources.sessions)
        (self._thread,) = self._opened.enter_context(kept_threads(1))
        return self

    def __exit__(self, *_: object) -> None:
        """Waits for the delivery in hand, which an interrupt ends, too, and begins no other."""
        self._is_over.set()
        self._opened.close()

    def ended(self, window: Written) -> None:
        """The window was written, or failed; it is delivered after those before it."""
        self._ended[window.window.key] = window
        while self._waiting and (following := self._ended.get(self._waiting[0])):
            self._waiting.popleft()
            if following.deliver:
                self._sent[following.window.key] = self._thread.submit(self._deliver, following)

    def with_outcome(self, window: Written) -> Written:
        """With what came of those of its deliveries that were tried here; after the block."""
        sent = self._sent.get(window.window.key)
        if sent is None or sent.cancelled() or sent.exception():
            return window
        return window.model_copy(update={"delivered": sent.result(), "delivered_by": self.context.run_id})

    def _deliver(self, window: Written) -> tuple[Delivered, ...]:
        sent = list[Delivered]()
        try:
            for entry in range(len(window.deliver)):
                if self._is_over.is_set() or is_interrupted():
                    break
                sent.append(deliver_window(self.context, self.project, self.resources, window, entry))
        except BaseException:
            self._is_over.set()
            raise
        return tuple(sent)


def _require_time() -> None:
    if is_interrupted():
        raise Interrupted
