"""Which groups of a report are too small to be told, and which others would give them away beside a total."""

from collections import defaultdict
from typing import Any

import polars as pl

from export_pipelines.plan.plan import Report
from export_pipelines.plan.report.query import GROUP_SIZE, TOTAL

HIDDEN = "is_hidden"


def marked(report: Report, groups: pl.DataFrame) -> pl.DataFrame:
    """`groups` with HIDDEN: those of fewer leads than `min_group`. If only one group under a total is hidden, or the hidden
    ones together are below `min_group`, the next smallest are hidden too (complementary suppression): a total is always
    one report away, whether or not this report shows it."""
    if report.min_group is None:
        return groups.with_columns(pl.lit(False).alias(HIDDEN))
    sizes, totals = groups[GROUP_SIZE].to_list(), groups[TOTAL].to_list()
    below = groups[report.pivot].to_list() if report.pivot else [None] * len(sizes)
    hidden = {n for n, size in enumerate(sizes) if size < report.min_group}
    scopes: dict[Any, list[int]] = defaultdict(list)
    for n in _by_size(report, groups):
        if not totals[n]:
            scopes[below[n]].append(n)
    for scope in scopes.values():
        hidden |= _with_others(report.min_group, scope, sizes, hidden)
    return groups.with_columns(pl.Series(HIDDEN, [n in hidden for n in range(len(sizes))], dtype=pl.Boolean))


def left_to_tell(report: Report, frame: pl.DataFrame, crossed: set[str]) -> pl.DataFrame:
    """Without hidden rows. Of rows that are filled in for every value of the keys `crossed` those stay that belong to a
    group, and to a value of the pivot, of which anything is told; so a gap is told from what is hidden."""
    if report.min_group is None:
        return frame
    if not crossed:
        return frame.filter(~pl.col(HIDDEN))
    shown = ~pl.col(HIDDEN) & (pl.col(GROUP_SIZE) > 0)
    own = [key for key in report.keys if key not in crossed]
    if own:
        frame = frame.filter(pl.col(TOTAL) | shown.any().over([TOTAL, *own]))
    if report.pivot:
        frame = frame.filter((shown & ~pl.col(TOTAL)).any().over(report.pivot))
    return frame


def _by_size(report: Report, groups: pl.DataFrame) -> list[int]:
    """The places of the groups, the smallest first; of equal ones in the order of their keys, so that it is always the same."""
    placed = groups.with_row_index("place").sort([GROUP_SIZE, *report.keys], nulls_last=True)
    return placed["place"].to_list()


def _with_others(least: int, scope: list[int], sizes: list[int], hidden: set[int]) -> set[int]:
    """The hidden places of `scope`, which is in the order of sizes, with those that have to join them."""
    numbers = [n for n in scope if n in hidden]
    for n in scope[len(numbers) :]:
        if not numbers or (len(numbers) > 1 and sum(sizes[number] for number in numbers) >= least):
            break
        numbers.append(n)
    return set(numbers)
