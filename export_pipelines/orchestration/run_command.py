"""The command that runs windows of an export again, as people are told it."""

from collections.abc import Sequence

from export_pipelines.definition import ExportDefinition
from export_pipelines.plan.window import WHOLE_KEY


def run_command(definition: ExportDefinition, keys: Sequence[str]) -> str:
    """For the windows of these keys, which are in the order of time: of partitions all from the first to the last. Without a key, for
    the window that a run finds by itself."""
    name = definition.name
    if keys and "_" in keys[0]:
        start, _, end = keys[0].partition("_")
        return f"export-pipelines run {name} --start {start} --end {end}"
    if not keys or not definition.partition or keys[0] == WHOLE_KEY:
        return f"export-pipelines run {name}"
    if keys[0] == keys[-1]:
        return f"export-pipelines run {name} --partition {keys[0]}"
    return f"export-pipelines backfill {name} --from {keys[0]} --to {keys[-1]}"
