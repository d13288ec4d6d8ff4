"""When a stream looks again, and how long it waits after an error."""

import random
from typing import Literal

BUSY_S, IDLE_S = 0.2, 1.0
LookResult = Literal[
    "nothing", "rows", "more"
]  # by one look: all that there was, or as much as it takes at a time
FIRST_S, LONGEST_S = 0.5, 30.0


class Pace:
    """Looks often while rows come, at once while there are many, and once a second while none do."""

    def __init__(self) -> None:
        self._seconds = BUSY_S

    def after(self, result: LookResult) -> float:
        """How long to wait after a look."""
        self._seconds = min(IDLE_S, self._seconds * 2) if result == "nothing" else BUSY_S
        return 0.0 if result == "more" else self._seconds


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
