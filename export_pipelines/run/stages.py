"""Stages: iterators over one another, each in a thread of its own. Nothing here knows what they make, or when it ends."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from export_pipelines.run.channel import Channel, Stop, Stopped, waited
from export_pipelines.run.observer import Batch, Observer
from export_pipelines.run.threads import kept_threads

T = TypeVar("T")
Size = tuple[int, int]  # rows, bytes


@dataclass(frozen=True)
class _Stage:
    name: str
    items: Iterable[Any]
    size: Callable[[Any], Size]
    output: Channel[Any]


class Stages:
    """`add` them in the order of the data, each over what the one before gave, then `run` the last.

    `observer` is called in the stages' threads; what it raises ends the run. `seconds` is busy time by stage, without what a
    stage waited for others.
    """

    def __init__(self, observer: Observer) -> None:
        self.observer, self.stop = observer, Stop()
        self.seconds: dict[str, float] = {}
        self._stages: list[_Stage] = []
        self._causes: list[BaseException] = []

    def add(self, name: str, items: Iterable[T], size: Callable[[T], Size], waiting: int = 0) -> Iterator[T]:
        """What `items` gives, made in the thread of the stage `name`; besides the one in its hands, at most `waiting` are made
        before they are taken. `size` tells the rows and bytes of an item. An iterator that can be closed is closed there."""
        output = Channel[T](self.stop, waiting)
        self._stages.append(_Stage(name, items, size, output))
        self.seconds[name] = 0.0
        return output

    def run(self, last: Iterator[T]) -> Generator[T, None, None]:
        """Starts all stages and gives the items of the `last` as they come; all stages have ended when it ends.

        The first error of all threads is raised, after the others ended. The caller's thread only waits: an interrupt that
        came while a library works would end as an error of that library.
        """
        failure: BaseException | None = None
        with kept_threads(len(self._stages)) as threads:
            try:
                for stage, thread in zip(self._stages, threads, strict=True):
                    thread.submit(self._work, stage)
                yield from last
            except BaseException as error:
                failure = self._causes[0] if self._causes else error
                self.stop.set()
        if failure is not None:
            raise failure

    def _work(self, stage: _Stage) -> None:
        """Stops all stages at the first error that is not itself the echo of a stop."""
        try:
            items = iter(stage.items)
            try:
                self._hand_over(stage, items)
            finally:
                _close(items)
            stage.output.close()
        except BaseException as error:
            if not isinstance(error, Stopped):
                self._causes.append(error)
            self.stop.set()

    def _hand_over(self, stage: _Stage, items: Iterator[Any]) -> None:
        while True:
            began, idle = time.perf_counter(), waited()
            try:
                item = next(items)
            except StopIteration:
                return
            finally:
                seconds = time.perf_counter() - began - (waited() - idle)
                self.seconds[stage.name] += seconds
            self.observer.batch_done(Batch(stage.name, *stage.size(item), seconds))
            stage.output.put(item)
            del item  # else it would be in memory until the next is made


class StagesInTurn(Stages):
    """The same in the caller's thread, for a few rows: they are through before threads would have started."""

    def __init__(self, observer: Observer) -> None:
        super().__init__(observer)
        self._inner = 0.0  # seconds of the stages before, within the item that is made
        self._opened: list[Iterator[Any]] = []

    def add(self, name: str, items: Iterable[T], size: Callable[[T], Size], waiting: int = 0) -> Iterator[T]:
        self.seconds[name] = 0.0
        self._opened.append(self._timed(name, iter(items), size))
        return self._opened[-1]

    def run(self, last: Iterator[T]) -> Generator[T, None, None]:
        """Gives the items of the `last` as they come; all that was opened is closed when it ends."""
        try:
            yield from last
        finally:
            for items in reversed(self._opened):
                _close(items)

    def _timed(self, name: str, items: Iterator[T], size: Callable[[T], Size]) -> Iterator[T]:
        try:
            while True:
                began, idle, outer = time.perf_counter(), waited(), self._inner
                self._inner = 0.0
                try:
                    item = next(items)
                except StopIteration:
                    return
                finally:
                    whole = time.perf_counter() - began
                    seconds = whole - self._inner - (waited() - idle if not self._inner else 0.0)
                    self.seconds[name] += seconds
                    self._inner = outer + whole
                self.observer.batch_done(Batch(name, *size(item), seconds))
                yield item
                del item
        finally:
            _close(items)


def _close(items: Iterator[Any]) -> None:
    close = getattr(items, "close", None)
    if close:
        close()
