"""The part of the builder's form that asks for a report: numbers, groups, time, as keys of an export's file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from export_pipelines.catalog import Dataset
from export_pipelines.catalog.dimensions import BUCKETS, SHORT, Dimension, dimensions_of
from export_pipelines.catalog.metrics import METRICS, Metric, Unit, metrics_over
from export_pipelines.definition.report import Over
from export_pipelines.service.pages.session import Form
from export_pipelines.service.problems import Problem

OVER: dict[Over, str] = {"events": "the steps of leads: deliveries, costs, returns", "leads": "leads only"}
UNITS: dict[Unit, str] = {
    Unit.COUNT: "Counts",
    Unit.MONEY: "Money",
    Unit.PERCENT: "Rates in percent",
    Unit.MS: "Times in milliseconds",
}
EVERY = {
    "": "no, all together",
    "hour": "each hour",
    "day": "each day",
    "week": "each week",
    "month": "each month",
}
TIME_BASIS = {"": "when it happens", "submission": "when its lead came"}
PIVOTS = {
    "": "no, as rows",
    "0": "of the first group",
    "1": "of the second group",
    "2": "of the third group",
    "every": "of the time",
}
FIRST_METRICS: Mapping[Over, tuple[str, ...]] = {
    "events": ("leads", "cost", "revenue", "margin"),
    "leads": ("leads", "cost", "revenue"),
}
FIRST_GROUP = "source.name"
FEWEST_GROUPS = 3  # menus for groups, at least


@dataclass(frozen=True)
class ReportChoices:
    """What the form holds of a report; `pivot` is the place of a group, or `every`."""

    over: Over = "events"
    metrics: tuple[str, ...] = ()
    group_by: tuple[str, ...] = ()
    every: str = ""
    fill: bool = True
    pivot: str = ""
    totals: bool = False
    time_basis: str = ""

    @classmethod
    def of(cls, form: Form) -> "ReportChoices":
        """A form that shows no report leaves the usual values."""
        if "over" not in form:
            return cls()
        return cls(
            "leads" if form["over"] == "leads" else "events",
            tuple(dict.fromkeys(form.getlist("metric"))),
            tuple(id for id in form.getlist("group") if id),
            form.get("every", ""),
            "fill" in form,
            form.get("pivot", ""),
            "totals" in form,
            form.get("time_basis", ""),
        )

    @property
    def menus(self) -> Sequence[str]:
        """The chosen groups, and empty ones for more."""
        return [*self.group_by, *[""] * max(1, FEWEST_GROUPS - len(self.group_by))]

    def started(self) -> "ReportChoices":
        """With numbers to begin with, where none is chosen that there is."""
        known = metrics_over(self.over)
        metrics = tuple(id for id in self.metrics if id in known)
        if metrics:
            return ReportChoices(**{**vars(self), "metrics": metrics})
        group_by = self.group_by or (FIRST_GROUP,)
        return ReportChoices(
            **{**vars(self), "metrics": FIRST_METRICS[self.over], "group_by": group_by, "totals": True}
        )

    def keys(self) -> dict[str, Any]:
        """The keys of a report's file, without those that say what is usual. Raises Problem."""
        if not self.metrics:
            raise Problem.at("choose at least one number", "metrics")
        keys: dict[str, Any] = {"metrics": list(self.metrics)}
        if self.over != "events":
            keys["over"] = self.over
        elif self.time_basis:
            keys["time_basis"] = self.time_basis
        if self.group_by:
            keys["group_by"] = list(self.group_by)
        if self.every:
            keys["every"] = self.every
            if not self.fill:
                keys["fill"] = False
        if self.pivot:
            keys["pivot"] = self._pivot()
        if self.totals:
            keys["totals"] = True
        return keys

    def _pivot(self) -> str:
        if self.pivot == "every" and self.every:
            return self.every
        if self.pivot.isdigit() and int(self.pivot) < len(self.group_by):
            return self.group_by[int(self.pivot)]
        raise Problem.at(
            "there is no such group or time whose values could be columns: choose it first", "pivot"
        )


def labels(metrics: Sequence[str]) -> str:
    """The chosen numbers in words."""
    return ", ".join(METRICS[id].label for id in metrics if id in METRICS)


def metric_groups(over: Over) -> Mapping[str, Sequence[Metric]]:
    """The numbers that a report can show, by their unit."""
    known = metrics_over(over)
    return {
        text: [metric for id, metric in METRICS.items() if id in known and metric.unit is unit]
        for unit, text in UNITS.items()
    }


def dimension_groups(dataset: Dataset) -> Mapping[str, Sequence[Dimension]]:
    """What a report can have a row for, by the groups of the fields; times last. Times that `every` has are left out."""
    groups: dict[str, list[Dimension]] = {}
    times = []
    for id, dimension in dimensions_of(dataset).items():
        if dimension.of is None and id not in BUCKETS:
            times.append(dimension)
        elif dimension.of is not None and id not in SHORT:
            field = dimension.of if hasattr(dimension.of, "group") else dimension.of.field
            groups.setdefault(field.group, []).append(dimension)
    return {**groups, "Time": times}
