"""Declares imported custom fields in a catalog file that extends the shipped one, so that they can be exported."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from export_pipelines.catalog import Field, load_catalog
from export_pipelines.errors import CatalogError, ExportError, StoreError
from export_pipelines.files.private import make_folder
from export_pipelines.yaml.lines import YamlFault, read_yaml_file

CUSTOM = ("datasets", "leads", "custom")
HEAD = """\
# Custom fields of imported leads. Fields count as direct PII until somebody gives them another class:
# none | indirect | sensitive | direct. Types and keys are explained in the shipped catalog.
extends: shipped
datasets:
  leads:
    custom:
"""


def declare(fields: Sequence[Field], path: Path) -> None:
    """Adds the fields that the catalog file at `path` does not hold yet; what stands in it is left as it is.

    Makes the file when it is not there. Raises CatalogError when the file cannot be extended, StoreError when it
    cannot be written.
    """
    if not fields:
        return
    waiting = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        text = _extended(path, fields)
        make_folder(path.parent)
        waiting.write_text(text, encoding="utf-8")
        load_catalog(waiting)
        _replace(waiting, path)
    except OSError as error:
        raise StoreError(f"cannot write the catalog: {error.strerror}", where=str(path)) from error
    except ExportError as error:
        raise CatalogError(
            f"the custom fields do not fit into this catalog: {error}".replace(str(waiting), str(path)),
            where=str(path),
            remedy="add them by hand under datasets, leads, custom, or name another catalog file",
        ) from error
    finally:
        waiting.unlink(missing_ok=True)


def _replace(waiting: Path, path: Path) -> None:
    with waiting.open("rb") as stream:
        os.fsync(stream.fileno())
    waiting.replace(path)


def _extended(path: Path, fields: Sequence[Field]) -> str:
    if not path.exists():
        return HEAD + "".join(_line(field, " " * 6) for field in fields)
    try:
        document = read_yaml_file(path)
    except YamlFault as fault:
        raise CatalogError(fault.what, where=f"{path}:{fault.line}") from fault
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    try:
        known = document.data["datasets"]["leads"]["custom"]
        first = document.lines[*CUSTOM, next(iter(known))]
    except (KeyError, TypeError, StopIteration) as error:
        raise CatalogError("it has no custom fields of leads yet") from error
    place = lines[first - 1]
    indent = place[: len(place) - len(place.lstrip())]
    new = [_line(field, indent) for field in fields if field.path not in known]
    return "".join([*lines[: first - 1], *new, *lines[first - 1 :]])


def _line(field: Field, indent: str) -> str:
    label = json.dumps(field.label, ensure_ascii=False)  # JSON's text is YAML's too
    return f"{indent}{field.path}: {{type: {field.type}, pii: {field.pii}, label: {label}}}\n"
