"""The buckets of a time series, in UTC: hours, days, ISO weeks from Monday, months."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import polars as pl

from export_pipelines.catalog import Kind
from export_pipelines.catalog.dimensions import Bucket
from export_pipelines.plan.plan import Series
from export_pipelines.transform.schema import polars_type

HOUR = timedelta(hours=1)


def buckets_of(series: Series, seen: pl.Series) -> pl.Series:
    """Every bucket of the window; of one without an end, from the first of `seen` to the last. In order."""
    kind = Kind.TIMESTAMP if series.every == "hour" else Kind.DATE
    if series.start is not None and series.end is not None:
        moments = _between(series.every, series.start, series.end)
    elif seen.drop_nulls().is_empty():
        moments = iter(())
    else:
        moments = _between(series.every, _moment(seen.min()), _moment(seen.max()) + timedelta(milliseconds=1))
    return pl.Series(list(_asked_for(series, moments)), dtype=polars_type(kind, None))


def _asked_for(series: Series, buckets: Iterator[datetime | date]) -> Iterator[datetime | date]:
    """Without the hours and days that the filter leaves out: there, nothing was counted, which is not zero."""
    if series.every not in ("hour", "day"):
        yield from buckets
        return
    for bucket in buckets:
        day = bucket.date() if isinstance(bucket, datetime) else bucket
        if (not series.dates or day in series.dates) and _is_asked_for(series, day, bucket):
            yield bucket


def _is_asked_for(series: Series, day: date, bucket: datetime | date) -> bool:
    """Whether any minute of the bucket lies in the hours and days; hours over midnight belong to the day before."""
    start, _, end = (series.hours or "00:00-24:00").partition("-")
    is_hour = isinstance(bucket, datetime)
    after = not is_hour or f"{bucket:%H:59}" >= start
    before = not is_hour or f"{bucket:%H:00}" < end
    on, on_before = (
        not series.weekdays or number % 7 in series.weekdays
        for number in (day.isoweekday(), day.isoweekday() - 1)
    )
    if start < end:
        return on and after and before
    return (on and after) or (on_before and before)


def _between(every: Bucket, start: datetime, end: datetime) -> Iterator[datetime | date]:
    bucket = _floor(every, start)
    while bucket < end:
        yield bucket if every == "hour" else bucket.date()
        bucket = _next(every, bucket)


def _floor(every: Bucket, moment: datetime) -> datetime:
    hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    match every:
        case "hour":
            return hour
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)


def _next(every: Bucket, bucket: datetime) -> datetime:
    match every:
        case "hour":
            return bucket + HOUR
        case "day":
            return bucket + timedelta(days=1)
        case "week":
            return bucket + timedelta(days=7)
        case "month":
            return _floor(every, bucket + timedelta(days=31))


def _moment(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, time(), tzinfo=UTC)
