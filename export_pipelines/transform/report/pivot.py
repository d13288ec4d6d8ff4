"""A pivot: each value of one key becomes columns, one for each metric."""

import polars as pl

from export_pipelines.errors import LimitReached
from export_pipelines.plan.plan import OutputColumn, Report
from export_pipelines.plan.report.query import TOTAL
from export_pipelines.transform.timestamp_texts import timestamp_texts

MOST_VALUES = 1_000
NONE, BLANK = "(none)", "(blank)"  # how a value that is null or empty is named in a header
UNDER = "pivot"  # the key of the object that JSON nests the values in


def require_columns(pivot: str, values: pl.Series) -> None:
    """Raises LimitReached for more values than make a table that can be read."""
    if len(values) > MOST_VALUES:
        raise _refused(pivot, f"{len(values):,} values, more than the {MOST_VALUES:,} that make columns")


def pivoted(
    report: Report, frame: pl.DataFrame, columns: tuple[OutputColumn, ...]
) -> tuple[pl.DataFrame, tuple[OutputColumn, ...]]:
    """The frame turned, and its columns. `frame` holds every value of the pivot in every row.

    Raises LimitReached for two values of one name.
    """
    assert report.pivot
    own = [column for column in columns if column.id in (*report.keys, TOTAL) and column.id != report.pivot]
    metrics = [column for column in columns if column.id not in (*report.keys, TOTAL)]
    values = frame[report.pivot].unique().sort(nulls_last=True)
    ordered = frame.sort([column.id for column in own] + [report.pivot], nulls_last=True)
    parts = ordered.partition_by(report.pivot, maintain_order=True, include_key=False)
    names = _names(values)
    turned = [_turned(name, metric) for name in names for metric in metrics]
    shown = [*own, *turned]
    if len({column.header for column in shown}) < len(shown) or len(set(names)) < len(names):
        raise _refused(report.pivot, "values that would make two columns of one name")
    if not parts:
        return frame.select(column.id for column in own), tuple(own)
    turns = [
        part.select(pl.col(metric.id).alias(_turned(name, metric).id) for metric in metrics)
        for name, part in zip(names, parts, strict=True)
    ]
    before = [parts[0].select(column.id for column in own)] if own else []
    result = pl.concat([*before, *turns], how="horizontal")
    if TOTAL in result.columns:
        result = result.sort(TOTAL, maintain_order=True)
    return result, tuple(shown)


def _names(values: pl.Series) -> list[str]:
    spelled = timestamp_texts(values) if values.dtype == pl.Datetime else values.cast(pl.String)
    return [NONE if text is None else text or BLANK for text in spelled]


def _turned(name: str, metric: OutputColumn) -> OutputColumn:
    """The column `<value>_<metric>`; with labels `<value> <Label>`."""
    join = "_" if metric.header == metric.id else " "
    return metric.model_copy(
        update={
            "id": f"{name}/{metric.id}",
            "header": f"{name}{join}{metric.header}",
            "json_path": (UNDER, name, metric.id),
            "source": f"{name}/{metric.id}",
        }
    )


def _refused(pivot: str, what: str) -> LimitReached:
    return LimitReached(
        f"the pivot {pivot} has {what}; nothing was written",
        where="pivot",
        remedy="take the pivot out: each value is a row then; or filter",
    )
