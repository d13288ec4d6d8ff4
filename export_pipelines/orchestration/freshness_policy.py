"""How old an export's newest materialization may be, by its schedule."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import dagster as dg
from cronsim import CronSim

from export_pipelines.definition import ExportDefinition

WARN_AFTER, FAIL_AFTER = timedelta(hours=6), timedelta(days=1)  # past the longest time between two ticks
LOOKED_AT = 24  # ticks: two years of months, a month of days
SOME_DAY = datetime(2024, 1, 1, tzinfo=UTC)


def freshness_of(definition: ExportDefinition) -> dg.FreshnessPolicy | None:
    """None for an export that runs by hand."""
    if definition.schedule is None:
        return None
    ticks = islice(CronSim(definition.schedule, SOME_DAY), LOOKED_AT)
    longest = max(after - before for before, after in pairwise(ticks))
    return dg.FreshnessPolicy.time_window(fail_window=longest + FAIL_AFTER, warn_window=longest + WARN_AFTER)


def with_freshness(asset: dg.AssetsDefinition, definition: ExportDefinition) -> dg.AssetsDefinition:
    policy = freshness_of(definition)
    if policy is None:
        return asset
    return asset.map_asset_specs(lambda spec: dg.apply_freshness_policy(spec, policy))
