"""A store whose new artifacts are sealed. Those that lie there unsealed are read as they are."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from export_pipelines.artifacts.manifest import Manifest, Part
from export_pipelines.artifacts.sealing.data_keys import DataKeys, MasterKeys
from export_pipelines.artifacts.sealing.stream import (
    OpenedPart,
    SealingSink,
    sealed_size,
)
from export_pipelines.artifacts.store_around import StoreAround
from export_pipelines.errors import SealedArtifact, SettingsError
from export_pipelines.key_versions import PREFIX

if TYPE_CHECKING:
    from export_pipelines.artifacts.store import Staging
    from export_pipelines.run.part_writer import PartSink

BUFFER_BYTES = 64 * 1024  # a whole segment is in memory behind it


@dataclass(frozen=True)
class SealedStore(StoreAround):
    """`store` holds what is sealed, `keys` the wrapped data keys; without `masters` nothing new is sealed, and a sealed
    artifact raises SettingsError when a part of it is opened. See `store.Store` for what a store owes."""

    keys: DataKeys
    masters: MasterKeys | None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def begin(self, export: str, window_key: str, token: str) -> "Staging":
        staging = self.store.begin(export, window_key, token)
        if self.masters is None:
            return staging
        artifact = f"{export}/{window_key}/{token}"
        key, wrapped = self.masters.new(artifact)
        try:
            self.keys.add(wrapped)
        except BaseException:
            staging.abort()
            raise
        return SealedStaging(staging, artifact, key)

    def open(self, artifact: str, part_name: str, start: int = 0) -> BinaryIO:
        part = self._part(artifact, part_name)
        if part is None or part.sealed_sha256 is None:
            return self.store.open(artifact, part_name, start)
        opened = OpenedPart(
            partial(self.store.open, artifact, part_name),
            self.store.files(artifact).get(part_name, 0),
            self._key(artifact),
            part_context(artifact, part_name),
            f"{artifact}/{part_name}",
        )
        opened.seek(start)
        return io.BufferedReader(opened, BUFFER_BYTES)

    def _part(self, artifact: str, name: str) -> Part | None:
        return next((part for part in self.store.manifest(artifact).parts if part.name == name), None)

    def _key(self, artifact: str) -> bytes:
        wrapped = self.keys.get(artifact)
        if wrapped is None:
            raise SealedArtifact(
                "the artifact is sealed, and its key is not in this ledger: it was erased, or the ledger is another one",
                where=artifact,
                remedy="restore the ledger that belongs to this store, or run the export again",
            )
        if self.masters is None:
            raise SettingsError(
                "the artifact is sealed, and no master key is set",
                where=artifact,
                remedy=f"set {PREFIX}MASTER_KEY or {PREFIX}MASTER_KEY_FILE",
            )
        return self.masters.unwrap(wrapped)

    def remove(self, artifact: str) -> None:
        """The key first: whatever stops us afterwards, no copy opens any more."""
        self.keys.destroy([artifact], self.now())
        self.store.remove(artifact)


class SealedStaging:
    """A Staging that seals each part, and writes into the manifest what is stored of it."""

    def __init__(self, staging: "Staging", artifact: str, key: bytes) -> None:
        self._staging, self._artifact, self._key = staging, artifact, key
        self._stored: dict[str, HashingSink] = {}

    def __enter__(self) -> Self:
        self._staging.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._staging.__exit__(kind, error, trace)

    def open_part(self, name: str) -> "PartSink":
        self._stored[name] = stored = HashingSink(self._staging.open_part(name))
        return SealingSink(stored, self._key, part_context(self._artifact, name))

    def commit(self, manifest: Manifest) -> Manifest:
        sealed = tuple(
            part.model_copy(
                update={"sealed_bytes": sealed_size(part.bytes), "sealed_sha256": self._sha256(part.name)}
            )
            for part in manifest.parts
        )
        return self._staging.commit(manifest.model_copy(update={"parts": sealed}).with_digest())

    def abort(self) -> None:
        self._staging.abort()

    def _sha256(self, name: str) -> str | None:
        sink = self._stored.get(name)
        return None if sink is None else sink.sha256


class HashingSink:
    """A PartSink that knows the SHA-256 of what it passed on."""

    def __init__(self, sink: "PartSink") -> None:
        self._sink, self._digest = sink, hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        self._digest.update(data)
        self._sink.write(data)

    def finish(self) -> None:
        self._sink.finish()

    def abort(self) -> None:
        self._sink.abort()


def part_context(artifact: str, part_name: str) -> bytes:
    """What a part is bound to: it opens under this name in this artifact only."""
    return f"export_pipelines part {artifact}/{part_name}".encode()
