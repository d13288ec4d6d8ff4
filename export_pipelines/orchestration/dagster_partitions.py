"""Partitions of an export in UTC: its days, its weeks from Sunday or from the 1st, its months, from the definition's start."""

import dagster as dg

from export_pipelines.definition import ExportDefinition
from export_pipelines.definition.export import WEEKS_OF_MONTH
from export_pipelines.plan.window import first_day

_KINDS = {
    "daily": dg.DailyPartitionsDefinition,
    "weekly": dg.WeeklyPartitionsDefinition,  # a week begins on Sunday unless told otherwise
    "monthly": dg.MonthlyPartitionsDefinition,
}
WEEKS_OF_MONTH_CRON = "0 0 1,8,15,22 * *"


def partitions_of(definition: ExportDefinition) -> dg.TimeWindowPartitionsDefinition | None:
    """None for an export without partitions."""
    if definition.partition is None:
        return None
    first = first_day(definition).isoformat()
    if definition.partition == WEEKS_OF_MONTH:
        return dg.TimeWindowPartitionsDefinition(
            start=first, fmt="%Y-%m-%d", cron_schedule=WEEKS_OF_MONTH_CRON, timezone="UTC"
        )
    partitions: dg.TimeWindowPartitionsDefinition = _KINDS[definition.partition](
        start_date=first, timezone="UTC"
    )
    return partitions
