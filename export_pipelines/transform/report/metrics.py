"""Metrics out of measures, exact: whole numbers in, half a cent or half a hundredth rounds away from zero."""

import polars as pl

from export_pipelines.catalog.metrics import How, Measure, Metric, Unit
from export_pipelines.transform.schema import DECIMAL_DIGITS

HUNDREDTHS = 100
# What `top / bottom` is multiplied by, so that it comes out in hundredths: cents are that already.
FACTOR = {Unit.MONEY: 1, Unit.PERCENT: 100 * HUNDREDTHS, Unit.MS: HUNDREDTHS, Unit.COUNT: HUNDREDTHS}
WIDE = pl.Int128


def empty_group(measure: Measure) -> int | str | None:
    """What `measure` is of no rows."""
    return {How.MAX: None, How.VALUES: "[]"}.get(measure.how, 0)


def value_of(metric: Metric) -> pl.Expr:
    """The metric of each group, from the columns of its measures."""
    if metric.percentile is not None:
        (values,) = metric.plus
        return from_cents(_percentile(pl.col(values), metric.percentile))
    top = _sum(metric.plus) - _sum(metric.minus) if metric.minus else _sum(metric.plus)
    if metric.per:
        return from_cents(_ratio(top, _sum(metric.per), FACTOR[metric.unit]))
    return from_cents(top) if metric.scale is not None else top


def from_cents(whole: pl.Expr) -> pl.Expr:
    """Hundredths as a decimal of two places."""
    two = pl.Decimal(DECIMAL_DIGITS, 2)
    return (whole.cast(two) * pl.lit("0.01").cast(two)).cast(two)


def _sum(names: tuple[str, ...]) -> pl.Expr:
    first, *others = (pl.col(name).cast(WIDE) for name in names)
    for other in others:
        first = first + other
    return first


def _ratio(top: pl.Expr, bottom: pl.Expr, factor: int) -> pl.Expr:
    """`factor * top / bottom`, rounded to a whole number; null over 0."""
    size = (2 * factor * top.abs() + bottom.abs()) // (2 * bottom.abs())
    return pl.when(bottom != 0).then(top.sign() * bottom.sign() * size)


def _percentile(values: pl.Expr, share: int) -> pl.Expr:
    """In hundredths, between the two nearest values in proportion, as SQL's percentile_cont; null of no values."""
    ordered = values.str.json_decode(pl.List(pl.Int64)).list.sort()
    last = ordered.list.len().cast(pl.Int64) - 1
    place = pl.when(last >= 0).then(last * share)
    low = ordered.list.get(place // 100, null_on_oob=True)
    high = ordered.list.get(pl.min_horizontal(place // 100 + 1, last), null_on_oob=True)
    return low * HUNDREDTHS + (high - low) * (place % 100)
