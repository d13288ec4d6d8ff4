"""A partner with keys of every kind, made once."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from export_pipelines_servers import age
from export_pipelines_servers.pgp import LONG_AGO, Partner, partner
from export_pipelines_tests.delivery.desk import Desk

PASSPHRASE = "right horse"
OURS = "ours"  # the name of our own key


@dataclass
class Recipient:
    """`encrypt` is what an entry says, `open` what its recipients do with a file."""

    encrypt: dict[str, Any]
    partner: Partner
    identity: Path

    @property
    def suffix(self) -> str:
        return ".gpg" if "pgp" in self.encrypt else ".age"

    def open(self, data: bytes) -> bytes:
        return self.partner.opened(data) if "pgp" in self.encrypt else age.opened(self.identity, data)

    def opened(self, files: dict[str, bytes]) -> dict[str, bytes]:
        """Name without suffix -> content; the manifest left out."""
        return {
            name.removesuffix(self.suffix): self.open(data)
            for name, data in files.items()
            if not name.endswith(".manifest.json")
        }


@pytest.fixture(scope="session")
def pgp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Partner]:
    with partner(tmp_path_factory.mktemp("partner")) as made:
        for name in ("partner", "second"):
            made.new_key(name)
        made.new_key(OURS, passphrase=PASSPHRASE)
        made.new_key("sign_only", usage="sign")
        made.new_key("expired", made_at=LONG_AGO, lasts="1y")
        made.new_key("expired_subkey", usage="sign", made_at=LONG_AGO)
        made.new_subkey("expired_subkey", made_at=LONG_AGO, lasts="1y")
        made.new_key("revoked")
        made.revoke("revoked")
        yield made


@pytest.fixture(scope="session")
def key_files(pgp: Partner) -> dict[str, bytes]:
    """Every key in a file of its own, and files that are none of a recipient."""
    private = pgp.private(OURS, PASSPHRASE)
    names = ("partner", "second", "sign_only", "expired", "expired_subkey", "revoked")
    return {
        **{f"{name}.asc": pgp.public(name) for name in names},
        "both.asc": pgp.public("partner", "second"),
        "ours.asc": private,
        "private.asc": private,
        "no_key.asc": b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n",
    }


@pytest.fixture
def keys(key_files: dict[str, bytes], desk: Desk) -> Path:
    """The project's folder, with these files."""
    for name, content in key_files.items():
        (desk.settings.root / name).write_bytes(content)
    return desk.settings.root


@pytest.fixture
def to_pgp(pgp: Partner, keys: Path) -> Recipient:
    return Recipient({"pgp": ["partner.asc"]}, pgp, keys)


@pytest.fixture
def to_age(pgp: Partner, keys: Path) -> Recipient:
    recipient = age.new_identity(keys / "identity")
    return Recipient({"age": [recipient]}, pgp, keys / "identity")


@pytest.fixture(params=["pgp", "age"])
def recipient(request: pytest.FixtureRequest) -> Recipient:
    made: Recipient = request.getfixturevalue(f"to_{request.param}")
    return made
