"""What an export that was renamed takes along in Dagster: its partitions, and its schedule, on or off as it was."""

from collections.abc import Iterator
from itertools import islice

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, InstigatorType

from export_pipelines.definition import ExportDefinition
from export_pipelines.orchestration.code_location import CodeLocation

AT_ONCE = 300  # partitions of one tick of the sensor, which has a minute for everything
RENAMED = "renamed_from"


def old_names(definition: ExportDefinition) -> Iterator[ExportDefinition]:
    """The definition under each of its earlier names."""
    for old in definition.renamed_from:
        yield definition.model_copy(update={"name": old})


def take_along(location: CodeLocation, instance: dg.DagsterInstance) -> None:
    """Doing it again changes nothing."""
    for definition in location.project.loaded.definitions:
        for old in old_names(definition):
            _take_schedule(location, old, definition, instance)
            _take_partitions(location, old, definition, instance)


def _take_schedule(
    location: CodeLocation, old: ExportDefinition, new: ExportDefinition, instance: dg.DagsterInstance
) -> None:
    states = instance.all_instigator_state(instigator_type=InstigatorType.SCHEDULE)
    by_name = {state.name: state for state in states}
    was, taken = by_name.get(location.schedule_name(old)), by_name.get(location.schedule_name(new))
    if was is None:
        return
    if taken is None and new.schedule and was.status is InstigatorStatus.RUNNING:
        origin = was.origin._replace(instigator_name=location.schedule_name(new))
        instance.add_instigator_state(
            InstigatorState(origin, was.instigator_type, was.status, was.instigator_data)
        )
    instance.delete_instigator_state(was.instigator_origin_id, was.selector_id)


def _take_partitions(
    location: CodeLocation, old: ExportDefinition, new: ExportDefinition, instance: dg.DagsterInstance
) -> None:
    """The newest materialization of each partition, as one of the new key."""
    partitions = instance.get_materialized_partitions(location.asset_key(new))
    missing = sorted(instance.get_materialized_partitions(location.asset_key(old)) - partitions)
    for partition in islice(missing, AT_ONCE):
        newest = instance.fetch_materializations(
            dg.AssetRecordsFilter(asset_key=location.asset_key(old), asset_partitions=[partition]), limit=1
        )
        for record in newest.records:
            if record.asset_materialization:
                instance.report_runless_asset_event(
                    dg.AssetMaterialization(
                        location.asset_key(new),
                        partition=partition,
                        metadata={**record.asset_materialization.metadata, RENAMED: old.name},
                    )
                )
