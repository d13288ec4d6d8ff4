"""When, and in view: Dagster's ops, assets, partitions, jobs, schedules and checks. The only room that knows Dagster."""

from export_pipelines.orchestration.artifact_io_manager import ArtifactIOManager
from export_pipelines.orchestration.backfill import Backfill, backfill
from export_pipelines.orchestration.build import build_definitions, build_defs
from export_pipelines.orchestration.forget_run import forget_run
from export_pipelines.orchestration.instance import open_instance
from export_pipelines.orchestration.launch import Outcome, launch, redeliver

__all__ = [
    "ArtifactIOManager",
    "Backfill",
    "Outcome",
    "backfill",
    "build_definitions",
    "build_defs",
    "forget_run",
    "launch",
    "open_instance",
    "redeliver",
]
