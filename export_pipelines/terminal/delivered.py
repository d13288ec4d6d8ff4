"""Where the files of an artifact lie now: in the folders that they were delivered to, as found there."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from export_pipelines.terminal.door import Door

if TYPE_CHECKING:
    from export_pipelines.artifacts import Manifest


def delivered_files(door: Door, manifest: "Manifest") -> Iterator[Path]:
    """The parts of `manifest` in each folder that its export delivers to."""
    for target in _targets(door, manifest):
        for number in count(1):
            folder = target if number == 1 else target.with_name(f"{target.name}_v{number}")
            if not folder.is_dir():
                break
            own = folder / f"{manifest.export}.manifest.json"
            if own.is_file() and own.read_bytes() == manifest.to_json():
                yield from (_short(folder / part.name) for part in manifest.parts)


def _targets(door: Door, manifest: "Manifest") -> Iterator[Path]:
    from export_pipelines.delivery import open_destination
    from export_pipelines.terminal.artifacts import store_of

    for entry in door.definition(manifest.export).deliver:
        if entry.kind == "folder":
            destination = open_destination(entry.model_dump(), door.settings.home)
            yield Path(destination.target(manifest, store_of(door)))


def _short(path: Path) -> Path:
    """Relative to the working directory where it lies below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
