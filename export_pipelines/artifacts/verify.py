"""Reads an artifact again, every byte, and names what was changed, cut, swapped, lost or added."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from export_pipelines.artifacts.manifest import Manifest, Part
from export_pipelines.errors import DamagedArtifact
from export_pipelines.files.digest import digest_of

if TYPE_CHECKING:
    from export_pipelines.artifacts.store import Store


def verify(store: "Store", artifact: str) -> list[str]:
    """One line for each fault of `artifact`, `<file>: <what>`; empty when it is whole.

    Raises RequestError when the store knows no such artifact.
    """
    try:
        manifest = store.manifest(artifact)
    except DamagedArtifact as error:
        return [f"manifest.json: {error.what}"]
    found = store.files(artifact)
    return [
        *_totals(manifest),
        *(fault for part in manifest.parts for fault in _part_faults(store, manifest, part, found)),
        *_strangers(manifest, found),
    ]


def _totals(manifest: Manifest) -> list[str]:
    pairs = {
        "rows": (manifest.rows, sum(part.rows for part in manifest.parts)),
        "bytes": (manifest.bytes, sum(part.bytes for part in manifest.parts)),
        "raw_bytes": (manifest.raw_bytes, sum(part.raw_bytes for part in manifest.parts)),
    }
    return [
        f"manifest.json: {name} says {said}, its parts add up to {added}"
        for name, (said, added) in pairs.items()
        if said != added
    ]


def _part_faults(store: "Store", manifest: Manifest, part: Part, found: Mapping[str, int]) -> list[str]:
    if part.name not in found:
        return [f"{part.name}: lost, the file is not there"]
    try:
        with store.open(manifest.artifact, part.name) as file:
            size, sha256 = digest_of(file)
    except DamagedArtifact as error:
        return [f"{part.name}: {error.what}"]
    except OSError as error:
        return [f"{part.name}: cannot be read: {error.strerror}"]
    if sha256 == part.sha256:
        return []
    return [f"{part.name}: {_difference(manifest, part, sha256, size)}"]


def _difference(manifest: Manifest, part: Part, sha256: str, size: int) -> str:
    for other in manifest.parts:
        if other.sha256 == sha256:
            return f"swapped, it holds the bytes of {other.name}"
    if size < part.bytes:
        return f"cut, {size} of {part.bytes} bytes are left"
    if size > part.bytes:
        return f"changed, it grew from {part.bytes} to {size} bytes"
    return f"changed, SHA-256 is {sha256}, the manifest says {part.sha256}"


def _strangers(manifest: Manifest, found: Mapping[str, int]) -> list[str]:
    known = {part.name for part in manifest.parts}
    return [f"{name}: added, the manifest does not know it" for name in found if name not in known]
