"""A finished artifact as a destination sees it: the manifest, and parts that prove themselves while they are read."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

from export_pipelines.artifacts import Manifest, Part
from export_pipelines.errors import DamagedArtifact

BLOCK_BYTES = 1 << 20
MANIFEST_SUFFIX = ".manifest.json"
CODEC_TYPES = {"gzip": "application/gzip", "zip": "application/zip", "zstd": "application/zstd"}
RECIPE_TYPE = "text/plain"
ENCRYPTED_TYPES = {"pgp": "application/pgp-encrypted", "age": "application/octet-stream"}


class Files(Protocol):
    """What the files of an artifact are read from: its store, or what was made for a delivery."""

    def open(self, artifact: str, name: str, /) -> BinaryIO: ...


@dataclass(frozen=True)
class Artifact:
    """`at` is the time of the attempt, for the receipt. `require_time` is asked before each block that is read, and raises
    where the attempt is to end."""

    manifest: Manifest
    store: Files
    at: datetime
    require_time: Callable[[], None] = lambda: None

    @property
    def manifest_name(self) -> str:
        """The name of the manifest among delivered files, which exports that share a folder must not share."""
        return manifest_name(self.manifest.export)

    @property
    def manifest_sha256(self) -> str:
        return hashlib.sha256(self.manifest.to_json()).hexdigest()

    @property
    def files(self) -> tuple[Part, ...]:
        """All that is delivered but the manifest: the parts, then their recipes."""
        return (*self.manifest.parts, *self.manifest.recipe_files)

    def media_type_of(self, file: Part) -> str:
        """As it is delivered: a recipe is text."""
        if file in self.manifest.recipe_files and self.manifest.encryption is None:
            return RECIPE_TYPE
        return self.media_type

    @property
    def media_type(self) -> str:
        """Of each part as it is delivered: that of its encryption, its codec, else of its format, without parameters."""
        if self.manifest.encryption is not None:
            return ENCRYPTED_TYPES[self.manifest.encryption.method]
        own = self.manifest.media_type.partition(";")[0]
        return CODEC_TYPES.get(self.manifest.codec, own)

    def prove(self, part: Part) -> None:
        """Reads the part to its end. Raises DamagedArtifact."""
        with self.open(part) as file:
            while file.read(BLOCK_BYTES):
                pass

    def open(self, part: Part) -> "ProvenPart":
        """The part from byte 0; close it, it is a context."""
        return ProvenPart(self, part)


def manifest_name(export: str) -> str:
    """The name under which the manifests of an export are delivered."""
    return f"{export}{MANIFEST_SUFFIX}"


class ProvenPart(io.RawIOBase):
    """Reads a part and raises DamagedArtifact instead of ending when it is not what the manifest says."""

    def __init__(self, artifact: Artifact, part: Part) -> None:
        self.part, self.where = part, f"{artifact.manifest.artifact}/{part.name}"
        self._file = artifact.store.open(artifact.manifest.artifact, part.name)
        self._digest, self._size = hashlib.sha256(), 0
        self._require_time = artifact.require_time

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        self._require_time()
        block = self._file.read(len(buffer))
        buffer[: len(block)] = block
        self._see(block)
        return len(block)

    def read(self, size: int = -1) -> bytes:
        self._require_time()
        block = self._file.read(size)
        self._see(block)
        if size < 0:
            self._see(b"")
        return block

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()

    def _see(self, block: bytes) -> None:
        self._size += len(block)
        self._digest.update(block)
        at_end = not block or self._size >= self.part.bytes
        if at_end and (self._size, self._digest.hexdigest()) != (self.part.bytes, self.part.sha256):
            raise DamagedArtifact(
                f"{self._size} bytes with SHA-256 {self._digest.hexdigest()[:12]}... were read, "
                f"the manifest says {self.part.bytes} with {self.part.sha256[:12]}...",
                where=self.where,
                remedy=f"export-pipelines verify {self.where.rpartition('/')[0]} tells more; run the export again",
            )
