"""Which partitions a backfill need not write again."""

from collections.abc import Sequence

import dagster as dg

from export_pipelines.artifacts import Manifest
from export_pipelines.artifacts.content import holds_content_of
from export_pipelines.definition import ExportDefinition
from export_pipelines.errors import WindowError
from export_pipelines.orchestration.code_location import CodeLocation
from export_pipelines.orchestration.due import plan_today
from export_pipelines.orchestration.renaming import old_names
from export_pipelines.plan.window import window_of
from export_pipelines.project import Project


def done_partitions(
    location: CodeLocation, definition: ExportDefinition, instance: dg.DagsterInstance, keys: Sequence[str]
) -> set[str]:
    """Those of `keys`, in their order, whose partitions are written and delivered as the definition now says, and still in the
    store. Dagster knows what was delivered once; the ledger knows of each artifact."""
    names = (definition, *old_names(definition))
    recorded = set[str]().union(
        *(instance.get_materialized_partitions(location.asset_key(name)) for name in names)
    )
    project, asked = location.project, recorded.intersection(keys)
    records = project.ledger.windows(definition.name, keys[0])
    arrived = {record.artifact for record in records if record.arrived and record.window_key in asked}
    stored = project.store.artifacts(definition.name, keys[0], keys[-1])
    done = set()
    for manifest in project.store.read(arrived.intersection(stored)).manifests:
        key = manifest.window.key
        if key not in done and _is_current(project, definition, manifest):
            done.add(key)
    return done


def _is_current(project: Project, definition: ExportDefinition, manifest: Manifest) -> bool:
    as_called = definition.model_copy(update={"name": manifest.export})  # before it was renamed
    try:
        window = window_of(definition, manifest.window.key)
    except WindowError:  # the definition has become another
        return False
    plan = plan_today(project, as_called, window)
    return plan is not None and holds_content_of(plan, manifest)
