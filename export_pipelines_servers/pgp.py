"""Partners who use GnuPG, Debian's own: they make keys of every kind, and open what is sent to them."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from export_pipelines.delivery.encryption.gpg_home import gpg_agent, gpg_home
from export_pipelines_servers.packages import program

LONG_AGO = "20200101T000000"


@dataclass
class Partner:
    """`home` is gpg's, with all keys that were made. A key is known by its name."""

    home: Path
    gpg: str

    def new_key(
        self,
        name: str,
        *,
        usage: str = "default",
        made_at: str = "",
        lasts: str = "never",
        passphrase: str = "",
    ) -> None:
        """A key of Curve25519; `usage` is `sign` for one that cannot encrypt, `made_at` another clock."""
        kind = "ed25519" if usage == "sign" else "future-default"
        self._new(made_at, passphrase, "--quick-generate-key", f"{name}@example.com", kind, usage, lasts)

    def new_subkey(self, name: str, *, made_at: str, lasts: str) -> None:
        self._new(made_at, "", "--quick-add-key", self.fingerprint(name), "cv25519", "encr", lasts)

    def revoke(self, name: str) -> None:
        """By the certificate that gpg makes with every key; a colon in front keeps it from being used by mistake."""
        path = self.home / "openpgp-revocs.d" / f"{self.fingerprint(name)}.rev"
        self._run("--import", data=path.read_bytes().replace(b"\n:-----", b"\n-----"))

    def fingerprint(self, name: str) -> str:
        listing = self._run("--with-colons", "--list-keys", f"{name}@example.com").decode()
        return next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr"))

    def public(self, *names: str) -> bytes:
        return self._run("--armor", "--export", *(f"{name}@example.com" for name in names))

    def private(self, name: str, passphrase: str = "") -> bytes:
        loopback = ("--pinentry-mode", "loopback", "--passphrase", passphrase)
        return self._run(*loopback, "--armor", "--export-secret-keys", f"{name}@example.com")

    def opened(self, data: bytes) -> bytes:
        """`gpg --decrypt`. Raises AssertionError where it does not open, or was changed."""
        return self._run("--decrypt", data=data)

    def status(self, data: bytes) -> str:
        """What gpg says of it for programs: GOODSIG, VALIDSIG, ENC_TO."""
        return self._run("--status-fd", "1", "--output", os.devnull, "--yes", "--decrypt", data=data).decode()

    def packets(self, data: bytes) -> str:
        return self._run("--list-packets", data=data).decode(errors="replace")

    def _new(self, made_at: str, passphrase: str, *call: str) -> None:
        clock = ("--faked-system-time", made_at) if made_at else ()
        self._run(*clock, "--pinentry-mode", "loopback", "--passphrase", passphrase, *call)

    def _run(self, *call: str, data: bytes = b"") -> bytes:
        done = subprocess.run(
            [self.gpg, "--homedir", str(self.home), "--batch", "--quiet", "--no-autostart", *call],
            input=data,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout


@contextmanager
def partner(folder: Path) -> Iterator[Partner]:
    gpg = program("gpg", "gnupg")
    program("gpg-agent", "gnupg")
    with gpg_home(folder) as home, gpg_agent(home, "gpg"):
        yield Partner(home, gpg)
