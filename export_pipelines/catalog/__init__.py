"""What can be exported: datasets, their fields, semantic types with components, PII classes."""

from typing import TYPE_CHECKING, Any

from export_pipelines.catalog.dataset import Catalog, Dataset, Join
from export_pipelines.catalog.field import PERSONAL_CLASSES, Component, Field, PiiClass, StoredAs
from export_pipelines.catalog.semantic_types import SEMANTIC_TYPES, Kind, SemanticType

if TYPE_CHECKING:
    from export_pipelines.catalog.load import load_catalog

__all__ = [
    "PERSONAL_CLASSES",
    "SEMANTIC_TYPES",
    "Catalog",
    "Component",
    "Dataset",
    "Field",
    "Join",
    "Kind",
    "PiiClass",
    "SemanticType",
    "StoredAs",
    "load_catalog",
]


def __getattr__(name: str) -> Any:
    """Imports what reads a catalog when it is asked for: who reads a manifest needs no YAML."""
    if name == "load_catalog":
        from export_pipelines.catalog.load import load_catalog

        return load_catalog
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
