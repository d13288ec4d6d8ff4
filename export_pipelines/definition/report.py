"""What a report asks for: metrics by groups, and over time; and which dataset it is drawn from."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from export_pipelines.catalog import Catalog, Dataset
from export_pipelines.catalog.dimensions import Bucket

Over = Literal["events", "leads"]
TimeBasis = Literal["event", "submission"]
DRAWN_FROM: Mapping[Over, str] = {"events": "reports", "leads": "leads"}  # dataset
SUBMITTED = (
    "submitted_at"  # the field by which a report over events goes when it says `time_basis: submission`
)


class Report(BaseModel):
    """The keys of a report. `time_basis` None is the only one that `over` knows: event, or a lead's submission."""

    model_config = ConfigDict(frozen=True)

    metrics: tuple[str, ...]
    group_by: tuple[str, ...] = ()
    every: Bucket | None = None  # the buckets of a time series
    fill: bool = True  # buckets without rows, too
    pivot: str | None = None  # the member of group_by, or the bucket, whose values become columns
    totals: bool = False  # a last row over everything
    over: Over = "events"
    time_basis: TimeBasis | None = None

    @property
    def basis(self) -> TimeBasis:
        return self.time_basis or ("event" if self.over == "events" else "submission")


def drawn_from(report: Report, catalog: Catalog) -> Dataset:
    """The dataset under a report, its window by the report's time basis. Raises CatalogError when it is not there."""
    dataset = catalog.dataset(DRAWN_FROM[report.over])
    if report.over == "events" and report.basis == "submission":
        dataset.find(SUBMITTED)
        return dataset.model_copy(update={"window": SUBMITTED})
    return dataset
