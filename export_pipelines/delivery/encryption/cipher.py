"""What a method of encryption owes, and the child process that each runs in."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, Protocol

from export_pipelines.definition.destinations.encryption import Method
from export_pipelines.delivery.artifact import BLOCK_BYTES, ProvenPart
from export_pipelines.errors import RetryableError

PASSED_ON = (
    "PATH",
    "HOME",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
    "PYTHONHOME",
)  # none holds a secret of the operator
Source = ProvenPart | BinaryIO


@dataclass(frozen=True)
class Keys:
    """Who can open what is encrypted: fingerprints, or recipients of age as they are written; `signer` is the
    fingerprint of the key that signs. `digest` changes with any byte of a key."""

    recipients: tuple[str, ...]
    signer: str | None
    digest: str


class Session(Protocol):
    """Keys that were checked, ready to encrypt any number of files.

    encrypt: writes `source`, encrypted, to the open file `target`. Raises DamagedArtifact where `source` does, and
             RequestError where the method refuses.
    """

    @property
    def keys(self) -> Keys: ...

    def encrypt(self, source: Source, target: IO[bytes]) -> None: ...


class Cipher(Protocol):
    """A method with its keys.

    opened: checks every key as it is now, in `folder`, which is private and left as it was. Raises RequestError for a key
            that cannot be used, SettingsError for a program or library that is not installed.
    """

    @property
    def method(self) -> Method: ...

    def opened(self, folder: Path) -> AbstractContextManager[Session]: ...


def broke_off(program: str, code: int, where: str) -> RetryableError:
    """A program failed though it had taken the keys: the disk is full, or somebody ended it."""
    ended = f"was ended by signal {-code}" if code < 0 else f"broke off (exit code {code})"
    return RetryableError(
        f"{program} {ended} while it encrypted",
        where=where,
        remedy="see that HOME has room for the encrypted files",
    )


def child_environment() -> Mapping[str, str]:
    """What a child process sees of the environment."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ} | {"LC_ALL": "C.UTF-8"}


def piped(
    call: Sequence[str], source: Source, target: IO[bytes], said: IO[bytes], pass_fds: Sequence[int] = ()
) -> int:
    """Runs a program that reads `source` and writes `target`; returns its exit code. What it says goes to `said`.

    Where `source` raises, the program is killed and the error goes on: what it wrote until then is no file.
    """
    with _child(call, target, said, pass_fds) as process:
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # it gave up, and its exit code says so
            while block := source.read(BLOCK_BYTES):
                process.stdin.write(block)
            process.stdin.close()
        return process.wait()


@contextmanager
def _child(
    call: Sequence[str], target: IO[bytes], said: IO[bytes], pass_fds: Sequence[int]
) -> "Iterator[subprocess.Popen[bytes]]":
    process = subprocess.Popen(  # noqa: S603
        call, stdin=subprocess.PIPE, stdout=target, stderr=said, env=child_environment(), pass_fds=pass_fds
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        with suppress(BrokenPipeError):
            process.stdin.close()  # type: ignore[union-attr]
