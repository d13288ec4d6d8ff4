"""Gaps in a report: each bucket of time and each value of a pivot stands beside every group, with the measures of no rows
where nothing was counted."""

from math import prod

import polars as pl

from export_pipelines.plan.limits import require_room
from export_pipelines.plan.plan import Plan, Report
from export_pipelines.plan.report.query import TOTAL, measures_of
from export_pipelines.transform.report.metrics import empty_group
from export_pipelines.transform.report.pivot import require_columns
from export_pipelines.transform.report.small_groups import HIDDEN
from export_pipelines.transform.report.time_buckets import buckets_of

CONSTANT = "_"  # a column that is the same in every row, so that no keys at all are keys too


def without_gaps(plan: Plan, report: Report, groups: pl.DataFrame) -> pl.DataFrame:
    """Every bucket of time for every group that there is, and every value of a pivot in every row. How many rows the
    report will have is asked before they are made."""
    crossed = crossed_keys(report)
    if not crossed:
        return groups
    own = [key for key in report.keys if key not in crossed]
    grid = (
        groups.select(CONSTANT, *own).unique()
        if own
        else pl.DataFrame({CONSTANT: [1]}, schema={CONSTANT: pl.Int32})
    )
    values = {key: groups[key].unique() for key in report.keys if key in crossed}
    if report.series and report.series.every in values:
        values[report.series.every] = buckets_of(report.series, values[report.series.every])
    if report.pivot:
        require_columns(report.pivot, values[report.pivot])
    rows = len(grid) * prod(len(column) for key, column in values.items() if key != report.pivot)
    require_room(plan, 0 if any(value.is_empty() for value in values.values()) else rows)
    for key, column in values.items():
        grid = grid.join(column.alias(key).to_frame(), how="cross")
    return measured(report, grid, groups)


def crossed_keys(report: Report) -> set[str]:
    """The keys of which each value stands beside all others."""
    series = report.series.every if report.series and report.series.fill else None
    return {key for key in (series, report.pivot) if key}


def measured(report: Report, grid: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """The rows of `grid` with their measures; those of a group that there is not are those of no rows."""
    keys = list(grid.columns)
    empty = {name: empty_group(measure) for name, measure in measures_of(report).items()}
    others = [name for name in report.keys if name not in keys]
    return grid.join(groups.drop(others), on=keys, how="left", nulls_equal=True).with_columns(
        pl.col(TOTAL, HIDDEN).fill_null(False),
        *(pl.col(name).fill_null(value) for name, value in empty.items() if value is not None),
    )
