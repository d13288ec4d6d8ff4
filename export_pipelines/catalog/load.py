"""Reads a catalog from YAML; leads.yaml, which ships with the package, documents the format in its head."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from export_pipelines.catalog.assemble import assemble
from export_pipelines.catalog.dataset import Catalog
from export_pipelines.errors import CatalogError
from export_pipelines.yaml.lines import Document, YamlFault, read_yaml, read_yaml_file

SHIPPED = ("leads.yaml", "events.yaml", "reports.yaml")


def load_catalog(path: Path | None) -> Catalog:
    """The catalog of the file, or the shipped one for None. Raises CatalogError with every fault, `file:line: text`."""
    shipped = _shipped()
    if path is None:
        return assemble("the shipped catalog", Document(shipped, {}), None)
    return assemble(shown(path), _read(path), shipped)


@cache
def _shipped() -> Mapping[str, Any]:
    """Read once a process."""
    documents = [
        read_yaml((files(__package__) / name).read_text(encoding="utf-8"), trusted=True) for name in SHIPPED
    ]
    return {"datasets": {name: item for each in documents for name, item in each.data["datasets"].items()}}


def shown(path: Path) -> str:
    """The path as errors name it: relative to the working directory where it lies below."""
    here = Path.cwd()
    return printable(str(path.relative_to(here) if path.is_relative_to(here) else path))


def printable(name: str) -> str:
    """A file's name may hold bytes that are no text, which nothing can print or store."""
    return name.encode("utf-8", "backslashreplace").decode()


def _read(path: Path) -> Document:
    try:
        return read_yaml_file(path)
    except OSError as error:
        raise CatalogError(
            f"cannot read the catalog: {error.strerror}",
            where=shown(path),
            remedy="set EXPORT_PIPELINES_CATALOG to a file",
        ) from error
    except YamlFault as fault:
        raise CatalogError(fault.what, where=f"{shown(path)}:{fault.line}") from fault
