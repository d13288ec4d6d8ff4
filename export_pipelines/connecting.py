"""A database that is just starting, or full for a moment, is asked again before it is called unreachable."""

import time
from collections.abc import Callable
from typing import TypeVar

PAUSES_S = (0.5, 1.5)
PASSING = (
    "connection refused",
    "starting up",
    "not yet accepting connections",  # PostgreSQL, until it has recovered as far as is consistent
    "in recovery mode",  # the same, after one of its processes crashed
    "shutting down",
    "too many",
    "closed the connection",
    "is locked",
)
T = TypeVar("T")


def connected(connect: Callable[[], T], foreign: type[Exception] | tuple[type[Exception], ...]) -> T:
    """What `connect` gives, tried again after each of PAUSES_S while its `foreign` error names a passing cause."""
    for pause in PAUSES_S:
        try:
            return connect()
        except foreign as error:
            if not is_passing(error):
                raise
        time.sleep(pause)
    return connect()


def is_passing(error: BaseException | None) -> bool:
    """Whether a driver's error names a cause that passes by itself, such as a server that is starting."""
    return any(cause in str(error).lower() for cause in PASSING)
