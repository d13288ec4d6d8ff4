"""Partitions of an export in UTC: its days, its weeks from Sunday, its months, from the definition's start."""

import dagster as dg

from export_pipelines.definition import ExportDefinition
from export_pipelines.plan.window import first_day

MAX_PARTITIONS_PER_RUN = 31  # a month of days: a natural unit to fail, to retry and to see progress by
POLICY = dg.BackfillPolicy.multi_run(max_partitions_per_run=MAX_PARTITIONS_PER_RUN)

_KINDS = {
    "daily": dg.DailyPartitionsDefinition,
    "weekly": dg.WeeklyPartitionsDefinition,  # a week begins on Sunday unless told otherwise
    "monthly": dg.MonthlyPartitionsDefinition,
}


def partitions_of(definition: ExportDefinition) -> dg.TimeWindowPartitionsDefinition | None:
    """None for an export without partitions."""
    if definition.partition is None:
        return None
    return _KINDS[definition.partition](start_date=first_day(definition).isoformat(), timezone="UTC")
