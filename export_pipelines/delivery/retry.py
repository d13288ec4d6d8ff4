"""The retry decision: whether a delivery that failed is tried again, and when."""

from datetime import datetime, timedelta
from itertools import accumulate

from export_pipelines.errors import ExportError, RetryableError

MINUTE, HOUR = 60.0, 3600.0
# Seconds between attempts; within an attempt, a run tries a few times more within a minute.
WAITS_S = (MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 8 * HOUR)
GIVE_UP = timedelta(hours=24)
JITTER = 0.2  # of a wait, so that deliveries that failed together do not come back together

_OFFSETS_S = tuple(accumulate(WAITS_S))


def retry_at(error: BaseException, first_at: datetime, now: datetime, jitter: float) -> datetime | None:
    """When to try again what was first tried at `first_at` and has just ended with `error`; None where that does not pass by
    itself, or 24 hours are over. See `next_attempt` for `jitter`."""
    if not may_pass(error):
        return None
    after_s = error.after_s if isinstance(error, RetryableError) else None
    return next_attempt(first_at, now, jitter, after_s)


def may_pass(error: BaseException) -> bool:
    """Whether trying again may help: an interrupt and a fault of the program may pass, our own errors say so themselves."""
    return error.retryable if isinstance(error, ExportError) else True


def next_attempt(
    first_at: datetime, now: datetime, jitter: float, after_s: float | None = None
) -> datetime | None:
    """When to try again what was first tried at `first_at` and has just failed; None when 24 hours are over.

    `jitter` is random in [0, 1); `after_s` is how long the other side asked to be left alone.
    """
    spent = (now - first_at).total_seconds()
    waits = (wait for offset, wait in zip(_OFFSETS_S, WAITS_S, strict=True) if offset > spent)
    wait = next(waits, WAITS_S[-1]) * (1 + JITTER * (jitter - 0.5))
    at = now + timedelta(seconds=max(wait, after_s or 0.0))
    return at if at - first_at <= GIVE_UP else None
