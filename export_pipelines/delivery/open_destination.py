"""From an entry of `deliver:` to the destination that fulfils it, by the table of kinds."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from export_pipelines.delivery.destination import Destination
from export_pipelines.delivery.folder import Folder
from export_pipelines.errors import RequestError, unknown


def open_destination(entry: Mapping[str, Any], home: Path) -> Destination:
    """The destination of `entry`, `{"kind": ..., "settings": {...}}` as it stands in a plan.

    `home` is the program's folder; relative paths are taken from its `delivered`. Raises RequestError.
    """
    kind = str(entry.get("kind"))
    if kind not in _OPEN:
        raise RequestError(unknown("kind of destination", kind, _OPEN), where="deliver")
    return _OPEN[kind](entry.get("settings") or {}, home)


def _folder(settings: Mapping[str, Any], home: Path) -> Folder:
    return Folder(settings["path"], settings.get("overwrite", "replace"), base=home.absolute() / "delivered")


_OPEN: dict[str, Callable[[Mapping[str, Any], Path], Destination]] = {"folder": _folder}
