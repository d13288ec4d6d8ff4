"""Reads an artifact again, every byte, and names what was changed, cut, swapped, lost or added.

Of a sealed artifact the stored bytes are held against their own digest, which says as much as their content does; where its
key is here, it has to open."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from export_pipelines.artifacts.manifest import Manifest, Part
from export_pipelines.errors import DamagedArtifact, KeyRefused, SealedArtifact, SettingsError
from export_pipelines.files.digest import digest_of

if TYPE_CHECKING:
    from export_pipelines.artifacts.store import Store


Content = tuple[int, str]  # size and SHA-256


def verify(store: "Store", artifact: str, opening: "Callable[[], Store] | None" = None) -> list[str]:
    """One line for each fault of `artifact`, `<file>: <what>`; empty when it is whole. `opening` gives the store that opens what
    is sealed, if it is another one; nobody needs it for what is not.

    Raises RequestError when the store knows no such artifact, KeyRefused for a sealed one that the master key does not open.
    """
    try:
        manifest = store.manifest(artifact)
    except DamagedArtifact as error:
        return [f"manifest.json: {error.what}"]
    sizes = store.files(artifact)
    return [
        *_totals(manifest),
        *(fault for part in manifest.files for fault in _part_faults(store, opening, manifest, part, sizes)),
        *_strangers(manifest, sizes),
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


def _part_faults(
    store: "Store",
    opening: "Callable[[], Store] | None",
    manifest: Manifest,
    part: Part,
    sizes: Mapping[str, int],
) -> list[str]:
    if part.stored_name not in sizes:
        return [f"{part.name}: lost, the file is not there"]
    stated = part.stored_bytes, part.stored_sha256
    try:
        with store.open_stored(manifest.artifact, part.stored_name) as file:
            content = digest_of(file)
        if content == stated and part.sealed_sha256:
            _require_opening(opening() if opening else store, manifest.artifact, part)
    except DamagedArtifact as error:
        return [f"{part.name}: {error.what}"]
    except OSError as error:
        return [f"{part.name}: cannot be read: {error.strerror}"]
    return [] if content == stated else [f"{part.name}: {_difference(manifest, content, stated)}"]


def _require_opening(store: "Store", artifact: str, part: Part) -> None:
    """Raises DamagedArtifact where the key of a sealed part is here and is not the one it was sealed with, KeyRefused where
    the master key that is set does not open it. Without a key, or its ledger, the digest has to do."""
    try:
        with store.open(artifact, part.name):
            pass
    except KeyRefused:
        raise
    except (SealedArtifact, SettingsError):
        return


def _difference(manifest: Manifest, content: Content, stated: Content) -> str:
    size, sha256 = content
    for other in manifest.files:
        if sha256 in (other.sha256, other.sealed_sha256):
            return f"swapped, it holds the bytes of {other.name}"
    if size < stated[0]:
        return f"cut, {size} of {stated[0]} bytes are left"
    if size > stated[0]:
        return f"changed, it grew from {stated[0]} to {size} bytes"
    return f"changed, SHA-256 is {sha256}, the manifest says {stated[1]}"


def _strangers(manifest: Manifest, sizes: Mapping[str, int]) -> list[str]:
    known = {file.stored_name for file in manifest.files}
    return [f"{name}: added, the manifest does not know it" for name in sizes if name not in known]
