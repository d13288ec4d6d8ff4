"""Data keys, one for each sealed artifact, and the master key that wraps them. A wrapped key stands in the ledger alone:
once it is destroyed there, no copy of the artifact opens any more."""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from export_pipelines.artifacts.sealing.kms import KmsMasterKey
from export_pipelines.artifacts.sealing.stream import KEY_BYTES
from export_pipelines.errors import KeyRefused
from export_pipelines.key_versions import PREFIX, KeyVersion, KeyVersions

NONCE_BYTES = 12
PURPOSE = "seal"
AT_ONCE = 16  # requests to a master key that is on a server
LEAD_INDEX = "lead index"  # the name of the key of all marks, which is kept and rotated as data keys are


@dataclass(frozen=True)
class WrappedKey:
    """A data key as the ledger holds it. `master` is the id of the master key that opens it."""

    artifact: str
    master: str
    wrapped: bytes


class DataKeys(Protocol):
    """Where wrapped keys are kept; durable when a call returns.

    add:     a new one, before the first byte of its artifact is stored.
    add_once: the one that is kept under this name, `key` if there was none.
    get:     that of an artifact; None where there is none, or it was destroyed.
    was_destroyed: whether there was one of this name that was destroyed.
    replace: the same data keys under another master key, all or none of them.
    destroy: takes those of `artifacts` away for ever.
    """

    def add(self, key: WrappedKey) -> None: ...

    def add_once(self, key: WrappedKey) -> WrappedKey: ...

    def get(self, artifact: str) -> WrappedKey | None: ...

    def was_destroyed(self, artifact: str) -> bool: ...

    def replace(self, keys: Iterable[WrappedKey]) -> None: ...

    def destroy(self, artifacts: Iterable[str], at: datetime) -> list[str]: ...


class MasterKey(Protocol):
    """Wraps data keys: `id` tells it from others and nothing about it. One on a server raises RetryableError where that
    cannot be reached."""

    @property
    def id(self) -> str: ...

    def wrap(self, artifact: str, key: bytes) -> bytes: ...

    def unwrap(self, artifact: str, wrapped: bytes) -> bytes:
        """Raises KeyRefused where this is not the key that wrapped it, or it was wrapped for another artifact."""
        ...


@dataclass(frozen=True)
class LocalMasterKey:
    """A version of MASTER_KEY, from the environment or a file."""

    version: KeyVersion

    @property
    def id(self) -> str:
        return self.version.id

    def wrap(self, artifact: str, key: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, key, _context(artifact))

    def unwrap(self, artifact: str, wrapped: bytes) -> bytes:
        try:
            return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _context(artifact))
        except InvalidTag:
            raise KeyRefused(
                "the data key of this artifact does not open: the ledger's entry was changed",
                where=artifact,
                remedy="restore the ledger from a backup, or run the export again",
            ) from None

    @property
    def _cipher(self) -> AESGCM:
        purpose = b"export_pipelines MASTER_KEY wraps data keys"
        return AESGCM(HKDF(SHA256(), KEY_BYTES, None, purpose).derive(self.version.material))


@dataclass(frozen=True)
class MasterKeys:
    """The master keys that are held; `active` wraps new data keys."""

    active: MasterKey
    known: tuple[MasterKey, ...]

    @classmethod
    def of(cls, versions: KeyVersions) -> "MasterKeys | None":
        """None where no MASTER_KEY is set: artifacts are not sealed. Raises SettingsError for a key that is too short."""
        if not versions.is_set:
            return None
        masters: dict[str, MasterKey] = {version.name: LocalMasterKey(version) for version in versions.local}
        masters |= {key.name: KmsMasterKey(key.arn) for key in versions.kms}
        return cls(masters[versions.sealing(PURPOSE).name], tuple(masters.values()))

    def new(self, artifact: str) -> tuple[bytes, WrappedKey]:
        """A new data key, and what to keep of it."""
        key = os.urandom(KEY_BYTES)
        return key, WrappedKey(artifact, self.active.id, self.active.wrap(artifact, key))

    def unwrap(self, key: WrappedKey) -> bytes:
        """The data key. Raises KeyRefused where its master key is not held."""
        for master in self.known:
            if master.id == key.master:
                return master.unwrap(key.artifact, key.wrapped)
        raise not_held(key)

    def rewrap(self, keys: Iterable[WrappedKey]) -> list[WrappedKey]:
        """The same data keys under the active master key. Raises where one of them does not open."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(self._rewrapped, keys))

    def _rewrapped(self, key: WrappedKey) -> WrappedKey:
        return WrappedKey(key.artifact, self.active.id, self.active.wrap(key.artifact, self.unwrap(key)))


def not_held(key: WrappedKey) -> KeyRefused:
    """No master key that is held opens `key`."""
    return KeyRefused(
        f"the artifact is sealed under the master key {key.master}, which is not held here",
        where=key.artifact,
        remedy=f"set {PREFIX}MASTER_KEY, or a version of it, to that key",
    )


def _context(artifact: str) -> bytes:
    return f"export_pipelines data key of {artifact}".encode()
