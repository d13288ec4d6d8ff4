"""When a stream looks again, and how long it waits after an error."""

import random

BUSY_S, IDLE_S = 0.2, 1.0
FIRST_S, LONGEST_S = 0.5, 30.0


class Pace:
    """Looks often while rows come, once a second while none do; `every` seconds where the sink wants few large batches."""

    def __init__(self, every: float | None = None) -> None:
        self.every = every
        self._seconds = BUSY_S

    def busy(self, behind: bool) -> None:
        """Rows were sent; `behind` says that more of them filled a batch than one look gives."""
        self._seconds = 0.0 if behind else BUSY_S

    def idle(self) -> None:
        self._seconds = min(IDLE_S, max(self._seconds * 2, BUSY_S))

    def seconds(self) -> float:
        """How long to wait now."""
        return self._seconds if self.every is None or not self._seconds else self.every


class Backoff:
    """Doubles from one error to the next, with jitter, so that streams that failed together do not try together."""

    def __init__(self) -> None:
        self._seconds = FIRST_S

    def next(self, asked_s: float | None) -> float:
        """How long to wait after one more error; the other side may have asked for a time."""
        seconds, self._seconds = self._seconds, min(self._seconds * 2, LONGEST_S)
        return asked_s if asked_s is not None else seconds * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret

    def reset(self) -> None:
        self._seconds = FIRST_S
