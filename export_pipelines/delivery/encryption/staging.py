"""The encrypted files of a delivery, between their encryption and their arrival: below HOME, for this user alone.

They are encrypted once and stay until the delivery has ended, so that each attempt sends the same bytes: no method gives
the same twice. The journal of the delivery holds what they are.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict, ValidationError

from export_pipelines.artifacts import Part
from export_pipelines.delivery.artifact import Artifact
from export_pipelines.delivery.encryption.cipher import Session
from export_pipelines.delivery.retry import GIVE_UP
from export_pipelines.errors import RetryableError
from export_pipelines.files.digest import digest_of
from export_pipelines.files.locking import sync_folder
from export_pipelines.files.os_errors import store_errors
from export_pipelines.files.private import make_folder, open_new

FOLDER = "encrypted"
BUFFER_BYTES = 1 << 20
Unused = Callable[[str], AbstractContextManager[bool]]
LEFT_BEHIND_S = (GIVE_UP + timedelta(hours=2)).total_seconds()  # no attempt is made by itself after that


class EncryptedFile(BaseModel):
    """`plain` is the name of the part, `name` that of its encrypted file."""

    model_config = ConfigDict(frozen=True)

    plain: str
    name: str
    bytes: int
    sha256: str


class Encryptions(BaseModel):
    """What was encrypted for a delivery; `keys` is the digest of the keys that it was encrypted with."""

    model_config = ConfigDict(frozen=True)

    keys: str
    files: tuple[EncryptedFile, ...]

    @property
    def id(self) -> str:
        return sha256(self.model_dump_json().encode()).hexdigest()

    @classmethod
    def read(cls, text: str) -> "Encryptions | None":
        """None where nothing was encrypted yet."""
        try:
            return cls.model_validate_json(text) if text else None
        except ValidationError:
            return None


@dataclass(frozen=True)
class Staging:
    """The folder of one delivery's encrypted files, which an Artifact reads as from a store."""

    folder: Path

    @classmethod
    def of(cls, home: Path, delivery: str) -> "Staging":
        return cls(home / FOLDER / delivery)

    def holds(self, encryptions: Encryptions) -> bool:
        """Whether every file is there, whole; they are kept for the attempt that asks."""
        if not self.folder.is_dir():
            return False
        os.utime(self.folder)
        return all(
            (path := self.folder / file.name).is_file() and path.stat().st_size == file.bytes
            for file in encryptions.files
        )

    def open(self, artifact: str, name: str, /) -> BinaryIO:
        path = self.folder / name
        with store_errors("read the encrypted file", path, RetryableError):
            return path.open("rb")

    def encrypt(self, artifact: Artifact, session: Session, suffix: str) -> Encryptions:
        """Encrypts every file anew; durable when it returns."""
        files = []
        for part in artifact.files:
            path = self.folder / f"{part.name}{suffix}"
            with artifact.open(part) as source, open_new(path, BUFFER_BYTES) as target:
                session.encrypt(source, target)
                os.fsync(target.fileno())
            files.append(_encrypted(part, path))
        sync_folder(self.folder)
        return Encryptions(keys=session.keys.digest, files=tuple(files))

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        make_folder(self.folder)


def _encrypted(part: Part, path: Path) -> EncryptedFile:
    with path.open("rb") as file:
        size, digest = digest_of(file)
    return EncryptedFile(plain=part.name, name=path.name, bytes=size, sha256=digest)


@contextmanager
def staging_errors(folder: Path) -> Iterator[None]:
    """Raises RetryableError for what the disk refuses."""
    with store_errors("encrypt the files", folder, RetryableError):
        yield


def discard_encrypted(home: Path, delivery: str) -> None:
    """Removes the encrypted files of a delivery that has ended."""
    shutil.rmtree(home / FOLDER / delivery, ignore_errors=True)


def sweep_encrypted(home: Path, unused: Unused) -> list[str]:
    """Removes what deliveries left that were given up or withdrawn, and what was killed; returns the names of the folders.
    While the context that `unused` gives for the id of a delivery is entered, no attempt at it is made; it says whether
    none needs its files any more."""
    swept = []
    for folder in sorted((home / FOLDER).glob("*")):
        if time.time() - folder.lstat().st_mtime > LEFT_BEHIND_S:
            with unused(folder.name) as is_unused:
                if is_unused:
                    shutil.rmtree(folder, ignore_errors=True)
                    swept.append(f"{FOLDER}/{folder.name}")
    return swept
