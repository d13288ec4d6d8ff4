"""A certificate authority of the tests' own, and certificates of its making."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Authority:
    ca: trustme.CA

    def pem(self, folder: Path) -> Path:
        """A file with the certificate of the authority."""
        path = folder / "ca.pem"
        self.ca.cert_pem.write_to_path(str(path))
        return path

    def certificate(self, *names: str) -> trustme.LeafCert:
        return self.ca.issue_cert(*names)

    def files(self, folder: Path, *addresses: str) -> tuple[Path, Path]:
        """Files with a certificate of this machine, which has `addresses` beside its own, and with its key."""
        leaf, certificate, key = (
            self.certificate("localhost", "127.0.0.1", *addresses),
            folder / "tls.pem",
            folder / "tls.key",
        )
        leaf.cert_chain_pems[0].write_to_path(str(certificate))
        leaf.private_key_pem.write_to_path(str(key))
        return certificate, key


@cache
def authority(name: str = "trusted") -> Authority:
    return Authority(trustme.CA(organization_name=name))
