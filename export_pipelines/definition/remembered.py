"""The exports that there were when the program last looked, kept in HOME: one whose file broke or went away keeps its place."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from export_pipelines.catalog import Catalog
from export_pipelines.definition.export import Cadence, ExportDefinition, ExportType
from export_pipelines.definition.loader import Loaded, load_definitions
from export_pipelines.files.private import make_folder, opener

FILE = "known_exports.json"


class Known(BaseModel):
    """What stays true of an export whose file cannot be read; `on` when its schedule was turned on."""

    model_config = ConfigDict(frozen=True)

    type: ExportType
    file: str  # its name in the folder of exports
    partition: Cadence | None = None
    start: str | None = None
    schedule: str | None = None
    on: bool = False
    broken_since: str | None = None
    fault: str | None = None

    @classmethod
    def of(cls, definition: ExportDefinition, on: bool = False) -> "Known":
        same = {key: getattr(definition, key) for key in ("type", "partition", "start", "schedule")}
        return cls(file=definition.path.name, on=on, **same)


_READ = TypeAdapter(dict[str, Known])


def read_known(home: Path) -> dict[str, Known]:
    """By the name of the export; nothing where nothing was remembered, or the file cannot be read."""
    try:
        return _READ.validate_json((home / FILE).read_bytes())
    except (OSError, ValidationError):
        return {}


def load_with_known(folder: Path, catalog: Catalog, home: Path) -> Loaded:
    """The definitions in `folder`, those that are known in `home` first. Raises SettingsError without a folder."""
    return load_definitions(folder, catalog, read_known(home))


def remember(home: Path, known: Mapping[str, Known]) -> None:
    """Writes `known` as a whole, unless it stands there already. Raises OSError."""
    if read_known(home) == known:
        return
    make_folder(home)
    new = home / f"{FILE}.{os.getpid()}.tmp"
    with open(new, "w", encoding="utf-8", opener=opener) as file:
        json.dump(
            {name: known_export.model_dump() for name, known_export in sorted(known.items())}, file, indent=1
        )
    new.replace(home / FILE)
