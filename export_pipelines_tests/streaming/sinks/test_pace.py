"""When calls are made again, and how many in a second."""

import random

import pytest

from export_pipelines.streaming.sinks.pace import LONGEST_DELAY_S, Backoff, Pace, Rate

KiB, MiB = 1 << 10, 1 << 20


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_delays_grow_to_a_limit_with_full_jitter_and_end() -> None:
    clock = Clock()
    longest = [0.0] * 12
    for seed in range(200):
        backoff = Backoff(clock, random.Random(seed), patience_s=60)
        for attempt in range(12):
            longest[attempt] = max(longest[attempt], backoff.delay_s() or 0.0)
    for attempt, delay_s in enumerate(longest):
        limit = min(LONGEST_DELAY_S, 0.05 * 2**attempt)
        assert 0.9 * limit < delay_s <= limit
    backoff = Backoff(clock, random.Random(1), patience_s=60)
    clock.now += 59
    assert backoff.delay_s() is not None
    clock.now += 2
    assert backoff.delay_s() is None
    backoff.succeeded()
    assert (backoff.delay_s() or 0) <= 0.05


def test_calls_are_paced_only_while_the_stream_throttles() -> None:
    clock, asked = Clock(), list[float]()

    def rate() -> Rate:
        asked.append(clock.now)
        return Rate(records=1_000, bytes=MiB)

    pace = Pace(rate, clock)
    assert pace.delay_s(500, 1000) == 0
    pace.throttled()
    delays = []
    for _ in range(4):
        delay_s = pace.delay_s(500, 1000)
        clock.now += delay_s
        delays.append(round(delay_s, 6))
        pace.throttled()
    assert delays == [0, 0.5, 0.5, 0.5] and len(asked) == 1
    assert pace.delay_s(1, 2 * MiB) == 0.5 and pace.delay_s(1, 1) == pytest.approx(2.5)
    clock.now += 30
    assert pace.delay_s(500, 1000) == 0
    pace.throttled()
    assert len(asked) == 2
