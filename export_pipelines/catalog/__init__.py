"""What can be exported: datasets, their fields, semantic types with components, PII classes."""

from export_pipelines.catalog.dataset import Catalog, Dataset, Join
from export_pipelines.catalog.field import PERSONAL_CLASSES, Component, Field, PiiClass, StoredAs
from export_pipelines.catalog.load import load_catalog
from export_pipelines.catalog.semantic_types import SEMANTIC_TYPES, Kind, SemanticType

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
