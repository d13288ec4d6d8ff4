"""Looks at things by their ids, which many wait for at a time: all who ask within a moment share one."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

import anyio.to_thread

Thing = TypeVar("Thing")

GATHER_S = 0.2  # in which ids are gathered for one look


class Looks(Generic[Thing]):
    """Of one event loop."""

    def __init__(self) -> None:
        self._asked: dict[str, asyncio.Future[Thing | None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def look(self, id: str, looked: Callable[[Iterable[str]], Mapping[str, Thing]]) -> Thing | None:
        """What `looked`, called in a thread for all ids at once, says of this one. Raises what it raises."""
        future = self._asked.setdefault(id, asyncio.get_running_loop().create_future())
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look_for_all(looked))
        return await asyncio.shield(future)  # of others, where one stops waiting

    async def _look_for_all(self, looked: Callable[[Iterable[str]], Mapping[str, Thing]]) -> None:
        while self._asked:
            await asyncio.sleep(GATHER_S)
            asked, self._asked = self._asked, {}
            try:
                things = await anyio.to_thread.run_sync(looked, tuple(asked))
            except Exception as error:
                for future in asked.values():
                    future.set_exception(error)
                    future.exception()  # which nobody may wait for any more
            else:
                for id, future in asked.items():
                    future.set_result(things.get(id))
