"""Stages that know nothing of exports: items, threads, errors, and a stream that never ends."""

import contextvars
import threading
import time
from collections.abc import Iterable, Iterator
from itertools import count, islice

import pytest

from export_pipelines.run.observer import Batch, Deaf
from export_pipelines.run.stages import Stages
from export_pipelines.run.threads import NAME
from export_pipelines_tests.run.at_work import at_work
from export_pipelines_tests.run.heard import Heard

EMPTY: tuple[int, int] = (0, 0)


def one_row(item: int) -> tuple[int, int]:
    return 1, item


def chain(stages: Stages, items: Iterable[int], *waiting: int) -> Iterator[int]:
    """`items`, then a stage for each number, which adds one."""
    last: Iterator[int] = stages.add("first", items, one_row)
    for number, room in enumerate(waiting):
        last = stages.add(f"added {number}", (item + 1 for item in last), one_row, room)
    return last


@pytest.mark.parametrize("waiting", [(), (0,), (0, 2, 0, 1)])
def test_items_go_through_all_stages_in_order(waiting: tuple[int, ...]) -> None:
    stages = Stages(Deaf())
    assert list(stages.run(chain(stages, range(50), *waiting))) == [n + len(waiting) for n in range(50)]


def test_each_stage_has_a_thread_of_its_own_and_none_is_at_work_afterwards() -> None:
    threads: dict[str, set[str]] = {"a": set(), "b": set()}

    def through(name: str, items: Iterable[int]) -> Iterator[int]:
        for item in items:
            threads[name].add(threading.current_thread().name)
            yield item

    stages = Stages(Deaf())
    first = stages.add("a", through("a", range(9)), one_row)
    second = stages.add("b", through("b", first), one_row)
    assert list(stages.run(second)) == list(range(9))
    assert [len(thread) for thread in threads.values()] == [1, 1] and threads["a"] != threads["b"]
    assert at_work() == []


def test_a_stream_without_end_is_taken_as_it_comes_and_left_at_will() -> None:
    items: list[int] = []

    def endless() -> Iterator[int]:
        for item in count():
            items.append(item)
            yield item

    stages = Stages(Deaf())
    running = stages.run(chain(stages, endless(), 0, 2))
    assert list(islice(running, 100)) == list(range(2, 102))
    running.close()
    assert at_work() == []
    assert len(items) < 110  # what the stages hold, however long it goes on


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_the_error_of_any_stage_comes_out_once(broken: int) -> None:
    def failing(items: Iterable[int], fails: bool) -> Iterator[int]:
        for item in items:
            if fails and item == 5:
                raise ConnectionError("gone")
            yield item

    stages, last = Stages(Deaf()), iter(range(100))
    for number in range(3):
        last = stages.add(str(number), failing(last, number == broken), one_row)
    with pytest.raises(ConnectionError, match="gone") as caught:
        list(stages.run(last))
    assert (caught.value.__context__, caught.value.__cause__) == (None, None)


def test_an_error_of_an_observer_ends_the_run() -> None:
    class Leaving(Deaf):
        def batch_done(self, batch: Batch) -> None:
            raise KeyboardInterrupt

    stages = Stages(Leaving())
    with pytest.raises(KeyboardInterrupt):
        list(stages.run(chain(stages, range(9), 0)))


def test_an_iterator_is_closed_in_its_thread() -> None:
    closed: list[str] = []

    def source() -> Iterator[int]:
        try:
            yield from range(100)
        finally:
            closed.append(threading.current_thread().name)

    stages = Stages(Deaf())
    running = stages.run(chain(stages, source()))
    next(running)
    running.close()
    assert len(closed) == 1 and closed[0].startswith(NAME)


def test_stages_see_the_context_of_their_caller() -> None:
    variable = contextvars.ContextVar("variable", default="")
    variable.set("mine")
    stages = Stages(Deaf())
    seen = stages.add("seen", (variable.get() for _ in range(2)), lambda _: EMPTY)
    assert list(stages.run(seen)) == ["mine", "mine"]


def test_every_batch_is_told_with_rows_bytes_and_busy_seconds() -> None:
    def slowly(items: Iterable[int]) -> Iterator[int]:
        for item in items:
            time.sleep(0.05)
            yield item

    heard = Heard()
    stages = Stages(heard)
    first = stages.add("slow", slowly(range(4)), one_row)
    quick = stages.add("quick", map(abs, first), one_row)
    assert list(stages.run(quick)) == [0, 1, 2, 3]
    assert [(batch.rows, batch.bytes) for batch in heard.batches if batch.stage == "quick"] == [
        (1, 0),
        (1, 1),
        (1, 2),
        (1, 3),
    ]
    assert heard.rows_of("slow") == [1, 2, 3, 4]
    assert stages.seconds["slow"] >= 0.2  # which the other waited, and did not count
    assert stages.seconds["quick"] < stages.seconds["slow"] / 2
