"""What lies in a store of each kind, behind the store's back, for the contract suite: one row a kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest
from pydantic import SecretBytes

from export_pipelines.artifacts import Store, open_store
from export_pipelines.artifacts.s3.store import GRACE, S3Store
from export_pipelines.artifacts.sealing import MasterKeys, SealedStore
from export_pipelines.key_versions import KeyVersion, KeyVersions
from export_pipelines.ledger import open_ledger
from export_pipelines.ledger.data_keys import LedgerKeys
from export_pipelines.s3 import PIECE_BYTES, Bucket, Upload
from export_pipelines_servers.s3 import KEY, SECRET, S3Server, own_bucket


class Place(Protocol):
    """url: of what it lies in. store: opened. names: of all that lies there. later: a store for which debris is old enough.

    unfinished: what a killed run leaves of a part that it was writing.
    """

    @property
    def url(self) -> str: ...

    def store(self) -> Store: ...

    def names(self) -> list[str]: ...

    def read(self, name: str) -> bytes: ...

    def write(self, name: str, data: bytes) -> None: ...

    def unfinished(self, name: str) -> None: ...

    def later(self) -> Store: ...


@dataclass
class FolderPlace:
    root: Path

    @property
    def url(self) -> str:
        return str(self.root)

    def store(self) -> Store:
        return open_store(self.url)

    def names(self) -> list[str]:
        files = (path for path in self.root.rglob("*") if path.is_file())
        return sorted(path.relative_to(self.root).as_posix() for path in files if path.name != ".lock")

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def write(self, name: str, data: bytes) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_bytes(data)

    def unfinished(self, name: str) -> None:
        self.write(f"{name}.tmp", b"half")

    def later(self) -> Store:
        return open_store(self.url)


@dataclass
class BucketPlace:
    server: S3Server
    bucket: Bucket

    @property
    def url(self) -> str:
        return f"s3://{self.bucket.name}/kept?endpoint_url={self.server.endpoint_url}"

    def store(self) -> Store:
        return open_store(self.url)

    def names(self) -> list[str]:
        found = [*self.bucket.list(""), *self.bucket.uploads("")]
        return sorted(one.key.removeprefix("kept/") for one in found)

    def read(self, name: str) -> bytes:
        return self.bucket.read(f"kept/{name}") or b""

    def write(self, name: str, data: bytes) -> None:
        self.bucket.put(f"kept/{name}", data, {})

    def unfinished(self, name: str) -> None:
        upload = Upload(self.bucket, f"kept/{name}", {})
        upload.write(b"x" * (PIECE_BYTES + 1))
        upload.stand()

    def later(self) -> Store:
        then = datetime.now(UTC) + GRACE + timedelta(minutes=1)
        return S3Store(self.bucket, "kept/", {}, now=lambda: then)


@dataclass
class SealedPlace:
    """Another place, whose store is sealed; what is read there is what was written."""

    place: Place
    keys: LedgerKeys
    masters: MasterKeys

    @property
    def url(self) -> str:
        return self.place.url

    def store(self) -> Store:
        return SealedStore(self.place.store(), self.keys, self.masters)

    def names(self) -> list[str]:
        return self.place.names()

    def read(self, name: str) -> bytes:
        return self.place.read(name)

    def write(self, name: str, data: bytes) -> None:
        self.place.write(name, data)

    def unfinished(self, name: str) -> None:
        self.place.unfinished(name)

    def later(self) -> Store:
        return SealedStore(self.place.later(), self.keys, self.masters)


def _sealed(place: Place, tmp: Path) -> Place:
    version = KeyVersion(name="MASTER_KEY", secret=SecretBytes(b"m" * 32), where="")
    masters = MasterKeys.of(KeyVersions(name="MASTER_KEY", local=(version,)))
    assert masters is not None
    ledger = open_ledger(f"sqlite:///{tmp / 'ledger.db'}")
    return SealedPlace(place, LedgerKeys(lambda: ledger.engine), masters)


def _bucket(tmp: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    return BucketPlace(*own_bucket())


PLACES: Mapping[str, Callable[[Path, pytest.MonkeyPatch], Place]] = {
    "folder": lambda tmp, _: FolderPlace(tmp / "store"),
    "s3": _bucket,
    "sealed folder": lambda tmp, _: _sealed(FolderPlace(tmp / "store"), tmp),
    "sealed s3": lambda tmp, monkeypatch: _sealed(_bucket(tmp, monkeypatch), tmp),
}
