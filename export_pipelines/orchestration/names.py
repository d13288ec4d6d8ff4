"""How an export is called in Dagster."""

import dagster as dg

from export_pipelines.definition import ExportDefinition


def asset_key(definition: ExportDefinition) -> dg.AssetKey:
    return dg.AssetKey([definition.type, definition.name])


def node_name(definition: ExportDefinition) -> str:
    """The graph's name in jobs; the export's own name is taken by its job."""
    return asset_key(definition).to_python_identifier()


def schedule_name(definition: ExportDefinition) -> str:
    return f"{definition.name}_schedule"
