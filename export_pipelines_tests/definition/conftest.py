from collections.abc import Callable
from pathlib import Path

import pytest

from export_pipelines.catalog import Catalog, Dataset, load_catalog
from export_pipelines.definition import ExportDefinition, load_definition

Load = Callable[[str], ExportDefinition]


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog(None)


@pytest.fixture
def leads(catalog: Catalog) -> Dataset:
    return catalog.dataset("leads")


@pytest.fixture
def load(tmp_path: Path, catalog: Catalog) -> Load:
    """Loads an export of leads to CSV with these further lines."""

    def from_text(lines: str) -> ExportDefinition:
        path = tmp_path / "an_export.yaml"
        head = "" if "format:" in lines else "format: csv\n"
        path.write_text(f"type: lead\n{head}{lines}\n", encoding="utf-8")
        return load_definition(path, catalog)

    return from_text
