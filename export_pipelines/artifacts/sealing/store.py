"""A store whose new artifacts are sealed. Those that lie there unsealed are read as they are."""

import hashlib
import io
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self, cast

from export_pipelines.artifacts.manifest import Manifest, Part
from export_pipelines.artifacts.sealing.data_keys import LEAD_INDEX, DataKeys, MasterKeys
from export_pipelines.artifacts.sealing.stream import (
    OpenedPart,
    SealingSink,
    sealed_size,
)
from export_pipelines.artifacts.store_around import StoreAround
from export_pipelines.errors import SealedArtifact, SettingsError
from export_pipelines.key_versions import PREFIX, key_not_set

if TYPE_CHECKING:
    from export_pipelines.artifacts.lead_index import LeadIndexWriter
    from export_pipelines.artifacts.store import Staging, Store
    from export_pipelines.run.part_writer import PartSink

MARK_BYTES = 4  # tells files of one try from those of another
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
        try:
            key, wrapped = self.masters.new(artifact)
            self.keys.add(wrapped)
        except BaseException:
            staging.abort()
            raise
        return SealedStaging(staging, artifact, key, self.index_key)

    def amend(self, artifact: str) -> "Staging":
        """With a master key, what is written is sealed: under the data key of an artifact that is sealed already, else under a
        new one, or that of a try that was killed. Raises SealedArtifact for a sealed one whose key is not in the ledger."""
        if self.masters is None:
            return self.store.amend(artifact)
        key = self._key(artifact) if self.store.manifest(artifact).is_sealed else self._new_key(artifact)
        stored_name = f".sealed_{secrets.token_hex(MARK_BYTES)}_0"  # beside an index that it may replace
        return SealedStaging(self.store.amend(artifact), artifact, key, self.index_key, stored_name)

    def index_key(self) -> bytes:
        """The key of the marks in lead indexes; made at its first use. Raises SettingsError without a master key."""
        if self.masters is None:
            raise key_not_set("MASTER_KEY", "the index of leads")
        wrapped = self.keys.get(LEAD_INDEX)
        if wrapped is None:
            _, new = self.masters.new(LEAD_INDEX)
            wrapped = self.keys.add_once(new)
        return self.masters.unwrap(wrapped)

    def open(self, artifact: str, part_name: str, start: int = 0) -> BinaryIO:
        part = self._part(artifact, part_name)
        if part is None or part.sealed_sha256 is None:
            return self.store.open(artifact, part_name, start)
        opened = self.open_sealed(artifact, part, part.stored_name)
        opened.seek(start)
        return io.BufferedReader(opened, BUFFER_BYTES)

    def presigned_url(
        self, artifact: str, part_name: str, valid_s: int, headers: Mapping[str, str]
    ) -> str | None:
        part = self._part(artifact, part_name)
        if part is None or part.sealed_sha256 is not None:
            return None
        return self.store.presigned_url(artifact, part_name, valid_s, headers)

    def open_stored(self, artifact: str, part_name: str) -> BinaryIO:
        part = self._part(artifact, part_name)
        return self.store.open_stored(artifact, part.stored_name if part else part_name)

    def open_sealed(self, artifact: str, part: Part, stored_name: str) -> OpenedPart:
        """What is stored under `stored_name`, opened as `part`."""
        return OpenedPart(
            partial(self.store.open, artifact, stored_name),
            self.store.files(artifact).get(stored_name, 0),
            self._key(artifact),
            part_context(artifact, part.name),
            f"{artifact}/{part.name}",
        )

    def _part(self, artifact: str, name: str) -> Part | None:
        return next((part for part in self.store.manifest(artifact).files if part.name == name), None)

    def _new_key(self, artifact: str) -> bytes:
        assert self.masters is not None
        key, wrapped = self.masters.new(artifact)
        kept = self.keys.add_once(wrapped)
        return key if kept == wrapped else self.masters.unwrap(kept)

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
    """A Staging that seals each part, and writes into the manifest what is stored of it. The index of leads, where one is
    written, has marks under the key that `index_key` gives, and is stored as `index_as`."""

    def __init__(
        self,
        staging: "Staging",
        artifact: str,
        key: bytes,
        index_key: Callable[[], bytes],
        index_as: str | None = None,
    ) -> None:
        self._staging, self._artifact, self._key = staging, artifact, key
        self._index_key, self._index_as = index_key, index_as
        self._index = cast("LeadIndexWriter | None", None)
        self._stored: dict[str, HashingSink] = {}

    def __enter__(self) -> Self:
        self._staging.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._staging.__exit__(kind, error, trace)

    def open_part(self, name: str) -> "PartSink":
        return self.open_part_as(name, name)

    def open_part_as(self, name: str, stored_name: str) -> "PartSink":
        """The part `name`, which is to be stored as `stored_name`."""
        self._stored[name] = stored = HashingSink(self._staging.open_part(stored_name), stored_name)
        return SealingSink(stored, self._key, part_context(self._artifact, name))

    def journal(self) -> None:
        """A sealed part is bound to its artifact, so no other run goes on with it."""

    def lead_index(self) -> "LeadIndexWriter":
        from export_pipelines.artifacts.lead_index import INDEX_NAME, LeadIndexWriter

        if self._index is None:
            sink = self.open_part_as(INDEX_NAME, self._index_as or INDEX_NAME)
            self._index = LeadIndexWriter(self._index_key(), sink)
        return self._index

    def commit(self, manifest: Manifest) -> Manifest:
        changes: dict[str, object] = {"parts": tuple(map(self._sealed, manifest.parts))}
        if manifest.row_digests is not None:
            changes["row_digests"] = self._sealed(manifest.row_digests)
        if self._index is not None:
            changes["lead_index"] = self._finished_index(self._index, manifest)
        return self._staging.commit(manifest.model_copy(update=changes).with_digest())

    def _finished_index(self, index: "LeadIndexWriter", manifest: Manifest) -> Part:
        from export_pipelines.artifacts.lead_index import INDEX_NAME

        index.finish()
        file = Part(
            name=INDEX_NAME,
            rows=index.marks,
            bytes=index.bytes,
            raw_bytes=index.bytes,
            sha256=index.sha256,
            window=manifest.window,
        )
        return self._sealed(file)

    def _sealed(self, part: Part) -> Part:
        """As it is stored; a part that this staging did not write is what it was."""
        sink = self._stored.get(part.name)
        if sink is None:
            return part
        sealed: dict[str, object] = {"sealed_bytes": sealed_size(part.bytes), "sealed_sha256": sink.sha256}
        if sink.name != part.name:
            sealed["sealed_as"] = sink.name
        return part.model_copy(update=sealed)

    def abort(self) -> None:
        self._staging.abort()


class HashingSink:
    """A PartSink that knows the SHA-256 of what it passed on. `name` is that of the stored file."""

    def __init__(self, sink: "PartSink", name: str) -> None:
        self._sink, self._digest, self.name = sink, hashlib.sha256(), name

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


def sealed_store(store: "Store") -> SealedStore:
    """The store that seals, behind others that stand before it."""
    while not isinstance(store, SealedStore):
        if not isinstance(store, StoreAround):
            raise TypeError("the store does not seal")
        store = store.store
    return store


def part_context(artifact: str, part_name: str) -> bytes:
    """What a part is bound to: it opens under this name in this artifact only."""
    return f"export_pipelines part {artifact}/{part_name}".encode()
