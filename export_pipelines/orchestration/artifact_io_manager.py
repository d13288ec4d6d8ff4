"""What an export wrote, for an asset that comes after it: a frame of the type that its parameter says."""

from typing import Any

import dagster as dg

from export_pipelines.orchestration.failing import as_dagster_failure
from export_pipelines.project import Project


class ArtifactIOManager(dg.IOManager):
    """Gives an asset downstream the artifacts of an export as pandas.DataFrame, polars.DataFrame, polars.LazyFrame or
    pyarrow.Table, by the annotation of its parameter.

    An asset that depends on some partitions gets these, and fails where one has no artifact; one that depends on all, as
    an asset without partitions does, gets all that there are. Of an export without partitions it is the newest artifact. Exports write their artifacts themselves, so nothing is stored by it.
    """

    def __init__(self, project: Project) -> None:
        self.project = project

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        pass

    def load_input(self, context: dg.InputContext) -> Any:
        from export_pipelines.frames import frame_of  # of no use to a process that loads nothing

        export = context.asset_key.path[-1]
        with as_dagster_failure():
            definition = self.project.definition(export)
            if definition.partition is None:
                chosen = [self.project.last(export)]
            elif _all(context):
                chosen = self.project.newest(export)
            else:
                chosen = [self.project.manifest(f"{export}/{key}") for key in context.asset_partition_keys]
            self.project.note_opened(chosen)
            store = self.project.reading_store
            return frame_of(context.dagster_type.typing_type, chosen, store, context.name)


def _all(context: dg.InputContext) -> bool:
    return len(context.asset_partition_keys) == len(context.asset_partitions_def.get_partition_keys())
