"""The times of a line of cron."""

from datetime import datetime, timedelta

from cronsim import CronSim

MINUTE = timedelta(minutes=1)


def last_tick(cron: str, now: datetime) -> datetime:
    """The newest time of the line `cron` that is not after `now`."""
    return next(CronSim(cron, now + MINUTE, reverse=True))


def next_tick(cron: str, now: datetime) -> datetime:
    return next(CronSim(cron, now))
