"""When, and in view: Dagster's ops, assets, partitions, jobs, schedules and checks. The only room that knows Dagster."""

from export_pipelines.orchestration.backfill import Backfill, backfill
from export_pipelines.orchestration.build import build_definitions
from export_pipelines.orchestration.instance import open_instance
from export_pipelines.orchestration.launch import Outcome, launch, redeliver

__all__ = ["Backfill", "Outcome", "backfill", "build_definitions", "launch", "open_instance", "redeliver"]
