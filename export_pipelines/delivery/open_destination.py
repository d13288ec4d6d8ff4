"""From an entry of `deliver:` to the destination that fulfils it, by the table of kinds."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from export_pipelines.definition.delivery import FolderSettings
from export_pipelines.delivery.destination import Destination
from export_pipelines.delivery.folder import Folder
from export_pipelines.errors import RequestError, unknown

Settings = TypeVar("Settings", bound=BaseModel)


def open_destination(entry: Mapping[str, Any], home: Path) -> Destination:
    """The destination of `entry`, `{"kind": ..., "settings": {...}}` as it stands in a plan.

    `home` is the program's folder; relative paths are taken from its `delivered`. Raises RequestError.
    """
    kind = str(entry.get("kind"))
    if kind not in _OPEN:
        raise RequestError(unknown("kind of destination", kind, _OPEN), where="deliver")
    return _OPEN[kind](entry.get("settings") or {}, home)


def _folder(settings: Mapping[str, Any], home: Path) -> Folder:
    checked = _checked("folder", FolderSettings, settings)
    return Folder(checked.path, checked.overwrite, base=home.absolute() / "delivered")


def _checked(kind: str, model: type[Settings], settings: Mapping[str, Any]) -> Settings:
    try:
        return model.model_validate(settings)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise RequestError(faults, where=f"deliver.{kind}") from None  # pydantic's own text repeats the input


_OPEN: dict[str, Callable[[Mapping[str, Any], Path], Destination]] = {"folder": _folder}
