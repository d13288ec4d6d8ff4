"""A channel between two threads: what waits in it, and what ends the waiting."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from export_pipelines.run.channel import Channel, Stop, Stopped, waited


def test_items_come_in_order_until_it_is_closed() -> None:
    channel = Channel[int](Stop(), waiting=3)
    for item in (1, 2, 3):
        channel.put(item)
    channel.close()
    assert list(channel) == [1, 2, 3]


def settle(done: list[int], count: int) -> None:
    """Waits for so many, and then whether there are more."""
    for _ in range(500):
        if len(done) >= count:
            break
        time.sleep(0.01)
    time.sleep(0.1)


@pytest.mark.parametrize("waiting", [0, 2])
def test_put_returns_when_no_more_than_so_many_wait(waiting: int) -> None:
    channel, done = Channel[int](Stop(), waiting), list[int]()

    def fill() -> None:
        for item in range(waiting + 2):
            channel.put(item)
            done.append(item)
        channel.close()

    with ThreadPoolExecutor(1) as pool:
        filling = pool.submit(fill)
        settle(done, waiting)
        assert done == list(range(waiting))
        assert next(channel) == 0
        settle(done, waiting + 1)
        assert done == list(range(waiting + 1))
        assert list(channel) == list(range(1, waiting + 2))
        filling.result()


def test_a_stop_ends_both_sides() -> None:
    stop = Stop()
    full, empty = Channel[int](stop), Channel[int](stop)
    with ThreadPoolExecutor(2) as pool:
        putting, getting = pool.submit(full.put, 1), pool.submit(next, empty)
        time.sleep(0.1)  # both wait
        stop.set()
        assert isinstance(putting.exception(2), Stopped)
        assert isinstance(getting.exception(2), Stopped)


def test_what_a_thread_waits_is_its_own() -> None:
    channel = Channel[int](Stop(), waiting=1)

    def take() -> float:
        before = waited()
        next(channel)
        return waited() - before

    before = waited()
    with ThreadPoolExecutor(1) as pool:
        taking = pool.submit(take)
        time.sleep(0.2)
        channel.put(1)
        assert 0.1 < taking.result() < 2
    assert waited() == before
