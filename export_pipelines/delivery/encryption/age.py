"""Encryption by age, https://age-encryption.org, to its own keys and those of SSH."""

import hashlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, ClassVar

from export_pipelines.definition.destinations.encryption import Method
from export_pipelines.delivery.encryption.cipher import Keys, Source, broke_off, piped
from export_pipelines.errors import RequestError, not_installed

WHERE = "encrypt.age"
CHILD = Path(__file__).with_name("age_child.py")


@dataclass(frozen=True)
class Age:
    """`where` names the destination in errors."""

    recipients: tuple[str, ...]
    where: str

    method: ClassVar[Method] = "age"

    @contextmanager
    def opened(self, folder: Path) -> "Iterator[AgeSession]":
        where = f"{self.where}.{WHERE}"
        try:
            import pyrage

            from export_pipelines.delivery.encryption.age_child import recipient_of
        except ModuleNotFoundError:
            raise not_installed("pyrage", "age", where) from None
        for text in self.recipients:
            try:
                recipient_of(text)
            except pyrage.RecipientError as error:
                raise RequestError(
                    f'"{text}" is no recipient of age: a character was lost or changed',
                    where=where,
                    remedy="ask the recipient for it again: age1... or ssh-ed25519 AAAA...",
                ) from error
        digest = hashlib.sha256("\n".join(self.recipients).encode()).hexdigest()
        yield AgeSession(Keys(self.recipients, None, digest), folder)


@dataclass(frozen=True)
class AgeSession:
    keys: Keys
    folder: Path

    def encrypt(self, source: Source, target: IO[bytes]) -> None:
        call = [sys.executable, "-P", str(CHILD), *self.keys.recipients]
        with tempfile.TemporaryFile(dir=self.folder) as said:
            if code := piped(call, source, target, said):
                raise broke_off("age", code, WHERE)
