"""How long to wait between calls: back-off with jitter after a failure, an even rate after throttling."""

import random
from collections.abc import Callable
from dataclasses import dataclass

FIRST_DELAY_S, LONGEST_DELAY_S = 0.05, 5.0
PATIENCE_S = 60.0  # of one commit, without a single record that was taken
PACED_S = 10.0  # after the last throttling

Clock = Callable[[], float]


class Backoff:
    """Exponential delays with full jitter, which begin anew as soon as something succeeds."""

    def __init__(self, clock: Clock, chance: random.Random, patience_s: float) -> None:
        self.clock, self.chance, self.patience_s = clock, chance, patience_s
        self.succeeded()

    def succeeded(self) -> None:
        self._failures, self._since = 0, self.clock()

    def delay_s(self) -> float | None:
        """How long to wait after a failure; None where it has failed for longer than `patience_s`."""
        if self.clock() - self._since > self.patience_s:
            return None
        longest = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** min(self._failures, 16))
        self._failures += 1
        return self.chance.uniform(0, longest)


@dataclass(frozen=True)
class Rate:
    """What a stream takes in a second."""

    records: float
    bytes: float


class Pace:
    """Spreads calls evenly while the service has lately throttled. `rate` asks what it takes, once for each such time; None
    where nobody knows."""

    def __init__(self, rate: Callable[[], Rate | None], clock: Clock) -> None:
        self.clock, self._ask = clock, rate
        self._rate: Rate | None = None
        self._until = self._next = 0.0

    def throttled(self) -> None:
        now = self.clock()
        if now >= self._until:
            self._rate, self._next = self._ask(), now
        self._until = now + PACED_S

    def delay_s(self, records: int, size: int) -> float:
        """How long a call of so many records and bytes has to wait; it is counted as made."""
        now = self.clock()
        if self._rate is None or now >= self._until:
            return 0.0
        start = max(now, self._next)
        self._next = start + max(records / self._rate.records, size / self._rate.bytes)
        return start - now
