"""What was asked for: the export's YAML as frozen models, read, checked and normalised."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from export_pipelines.definition.export import ExportDefinition
    from export_pipelines.definition.loader import (
        Loaded,
        ad_hoc_definition,
        load_definition,
        load_definitions,
    )
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
_HOMES = {"ExportDefinition": "export", "resolve_fields": "selection", "definition_schema": "written"}


def __getattr__(name: str) -> Any:
    """Imports what is asked for: who reads a manifest needs no definition."""
    if name in __all__:
        value = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'loader')}"), name)
        return globals().setdefault(name, value)  # functions that import it do so each time
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
