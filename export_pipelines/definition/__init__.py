"""What was asked for: the export's YAML as frozen models, read, checked and normalised."""

from export_pipelines.definition.export import ExportDefinition
from export_pipelines.definition.loader import Loaded, ad_hoc_definition, load_definition, load_definitions
from export_pipelines.definition.selection import resolve_fields
from export_pipelines.definition.written import definition_schema

__all__ = [
    "ExportDefinition",
    "Loaded",
    "ad_hoc_definition",
    "definition_schema",
    "load_definition",
    "load_definitions",
    "resolve_fields",
]
