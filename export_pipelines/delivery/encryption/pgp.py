"""Encryption by OpenPGP, with the program gpg: to files of keys, never to addresses, which gpg would look up elsewhere."""

import hashlib
import io
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, ClassVar

from export_pipelines.definition.destinations.encryption import Method
from export_pipelines.delivery.encryption.cipher import Keys, Source, broke_off, child_environment, piped
from export_pipelines.delivery.encryption.gpg_home import gpg_agent, gpg_home, program
from export_pipelines.delivery.encryption.pgp_keys import PgpKey, keys_in, recipient_fault, signer_fault
from export_pipelines.errors import RequestError
from export_pipelines.files.private import open_new

QUIET = ("--no-options", "--batch", "--no-tty", "--quiet", "--no-autostart")
# Parts are compressed already, and gpg's own compression is ten times slower; no name of a file is told.
ENCRYPT = (
    "--trust-model",
    "always",
    "--no-encrypt-to",
    "--compress-level",
    "0",
    "--set-filename",
    "",
    "--encrypt",
)
BAD_PASSPHRASE = 11  # of libgpg-error, in the lower 16 bits of what FAILURE says
NO_PASSPHRASE = 177


@dataclass(frozen=True)
class Pgp:
    """`recipients` are the contents of key files by their paths as written; `signer` is the path and content of our own
    private key, with its passphrase. `where` names the destination in errors."""

    recipients: Mapping[str, bytes]
    where: str
    signer: tuple[str, bytes] | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)

    method: ClassVar[Method] = "pgp"

    @contextmanager
    def opened(self, folder: Path) -> "Iterator[PgpSession]":
        gpg, digest = program("gpg", self.where), hashlib.sha256()
        with ExitStack() as stack:
            home = stack.enter_context(gpg_home(folder))
            keys, files = [], []
            for number, (path, content) in enumerate(self.recipients.items(), start=1):
                digest.update(content)
                files.append(home / f"recipient_{number}")
                _write(files[-1], content)
                keys.append(self._checked(gpg, home, files[-1], path, "pgp"))
            signer = None
            if self.signer is not None:
                stack.enter_context(gpg_agent(home, self.where))
                digest.update(self.signer[1])
                signer = self._imported(gpg, home, *self.signer)
            recipient_keys = Keys(tuple(key.fingerprint for key in keys), signer, digest.hexdigest())
            session = PgpSession(gpg, home, files, recipient_keys, self.passphrase, self.where)
            session.rehearse()
            yield session

    def _checked(self, gpg: str, home: Path, file: Path, path: str, setting: str) -> PgpKey:
        """The only key in a file. Raises RequestError for one that cannot be used."""
        keys = keys_in(_said(gpg, home, "--with-colons", "--show-keys", str(file)))
        fault = recipient_fault(keys) if setting == "pgp" else signer_fault(keys)
        if fault:
            raise RequestError(fault[0], where=f"{self.where}.encrypt.{setting} {path}", remedy=fault[1])
        return keys[0]

    def _imported(self, gpg: str, home: Path, path: str, content: bytes) -> str:
        """The fingerprint of our own key, which the agent holds from now on."""
        file = home / "signer"
        _write(file, content)
        key = self._checked(gpg, home, file, path, "sign")
        _said(gpg, home, "--import", str(file))
        file.unlink()
        return key.fingerprint


@dataclass(frozen=True)
class PgpSession:
    gpg: str
    home: Path
    files: Sequence[Path]
    keys: Keys
    passphrase: str | None = field(repr=False)
    where: str

    def rehearse(self) -> None:
        """gpg itself has the last word on a key. Raises RequestError where it refuses."""
        with tempfile.TemporaryFile(dir=self.home) as target:
            code, said = self._run(io.BytesIO(), target)
        if code:
            raise self._refusal(code, said)

    def encrypt(self, source: Source, target: IO[bytes]) -> None:
        code, _ = self._run(source, target)
        if code:
            raise broke_off("gpg", code, self.where)

    def _run(self, source: Source, target: IO[bytes]) -> tuple[int, str]:
        """The exit code of gpg, and what it said."""
        call = [self.gpg, "--homedir", str(self.home), *QUIET, "--status-fd", "2"]
        for file in self.files:
            call += ["--recipient-file", str(file)]
        with tempfile.TemporaryFile(dir=self.home) as said, _passphrase(self.passphrase) as descriptor:
            if self.keys.signer is not None:
                call += ["--local-user", self.keys.signer, "--sign", "--pinentry-mode", "loopback"]
                call += ["--passphrase-fd", str(descriptor)]
            code = piped([*call, *ENCRYPT], source, target, said, [descriptor])
            said.seek(0)
            return code, said.read().decode(errors="replace")

    def _refusal(self, code: int, said: str) -> RequestError:
        """What gpg says in words is not repeated: it quotes names and addresses of keys."""
        failures = [line.split() for line in said.splitlines() if line.startswith("[GNUPG:] FAILURE ")]
        reasons = {int(words[3]) & 0xFFFF for words in failures if len(words) > 3 and words[3].isdigit()}
        if reasons & {BAD_PASSPHRASE, NO_PASSPHRASE} or "NEED_PASSPHRASE" in said:
            return RequestError(
                "our own key does not open: its passphrase is wrong, or not set",
                where=f"{self.where}.encrypt.passphrase",
                remedy="name what holds it: passphrase: {env: NAME} or {file: PATH}",
            )
        return RequestError(
            f"gpg does not encrypt with these keys (exit code {code})",
            where=f"{self.where}.encrypt",
            remedy="see: gpg --show-keys FILE",
        )


def _write(path: Path, content: bytes) -> None:
    with open_new(path, len(content) or 1) as file:
        file.write(content)


@contextmanager
def _passphrase(text: str | None) -> Iterator[int]:
    """A descriptor that gives the passphrase, an empty one where there is none."""
    reads, writes = os.pipe()
    try:
        with os.fdopen(writes, "wb") as pipe:
            pipe.write(f"{text or ''}\n".encode())
        yield reads
    finally:
        os.close(reads)


def _said(gpg: str, home: Path, *call: str) -> str:
    """What gpg says on stdout."""
    done = subprocess.run(  # noqa: S603
        [gpg, "--homedir", str(home), *QUIET, *call],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=child_environment(),
        check=False,
    )
    return done.stdout.decode(errors="replace")
