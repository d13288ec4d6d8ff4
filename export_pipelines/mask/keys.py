"""The secrets that masks need. They live beside the plan, which only names them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self

from pydantic import SecretBytes

from export_pipelines.errors import SettingsError
from export_pipelines.key_versions import (
    NO_HASH_KEY,
    NO_MASTER_KEY,
    PREFIX,
    KeyVersion,
    KeyVersions,
    key_names,
    listed,
)
from export_pipelines.settings import Settings


@dataclass(frozen=True)
class Keys:
    """All held versions of the key for HMAC-SHA-256 and of the key for reversible tokens. Prints no secret."""

    hash_key: KeyVersions = NO_HASH_KEY
    master_key: KeyVersions = NO_MASTER_KEY

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The keys that the settings hold."""
        return cls(settings.hash_key, settings.master_key)

    @classmethod
    def from_bytes(cls, hash_key: bytes = b"", master_key: bytes = b"") -> Self:
        """The first version of each key, or none."""
        return cls(_first("HASH_KEY", hash_key), _first("MASTER_KEY", master_key))

    @property
    def names(self) -> Mapping[str, str | SettingsError]:
        """As Settings.key_names."""
        return key_names(self.hash_key, self.master_key)

    def of_plan(self, key_ids: Iterable[str]) -> Self:
        """With the versions in use that a plan names, whatever was rotated since. Raises SettingsError for one that is
        not held."""
        keys = self
        for named in key_ids:
            name, _, id = named.partition(":")
            if name.startswith(self.hash_key.name):
                keys = replace(keys, hash_key=_only(self.hash_key, named, id))
            else:
                keys = replace(keys, master_key=_only(self.master_key, named, id))
        return keys


def _first(name: str, material: bytes) -> KeyVersions:
    version = KeyVersion(name=name, secret=SecretBytes(material), where=PREFIX + name)
    return KeyVersions(name=name, local=(version,) if material else ())


def _only(versions: KeyVersions, named: str, id: str) -> KeyVersions:
    version = versions.with_id(id)
    if version is None:
        raise SettingsError(
            f"the plan was made with the key {named}, which is not held here",
            where=PREFIX + versions.name,
            remedy=f"held: {listed(versions.local)}; run the export again, so that it is planned with one of these",
        )
    return KeyVersions(name=versions.name, local=(version,))
