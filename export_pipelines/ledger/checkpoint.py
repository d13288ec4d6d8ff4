"""Signed checkpoints of the audit: how many entries there were at a time, and the hash of the last one, as a signed note.

Source of the form: https://c2sp.org/signed-note and https://c2sp.org/tlog-checkpoint; the hash is the chain's, not a tree's."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from export_pipelines.errors import RequestError
from export_pipelines.key_versions import KeyVersion

ORIGIN = "export_pipelines/audit"
ED25519 = b"\x01"  # the kind of signature, in a note's key id
ID_BYTES = 4


@dataclass(frozen=True)
class Checkpoint:
    """At `at` the audit had `size` entries, the last of which has the hash `hash`."""

    size: int
    hash: str
    at: datetime

    def text(self) -> str:
        """What is signed, to the byte."""
        encoded = base64.b64encode(bytes.fromhex(self.hash)).decode()
        return f"{ORIGIN}\n{self.size}\n{encoded}\n{self.at.astimezone(UTC).isoformat()}\n"

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Raises RequestError for another text."""
        try:
            origin, size, encoded, at = text.splitlines()
            checkpoint = cls(int(size), base64.b64decode(encoded).hex(), datetime.fromisoformat(at))
        except ValueError:
            raise _no_checkpoint() from None
        if origin != ORIGIN or checkpoint.text() != text:
            raise _no_checkpoint()
        return checkpoint


@dataclass(frozen=True)
class Signer:
    """Signs with the Ed25519 key that is derived from a version of AUDIT_KEY."""

    version: KeyVersion

    @property
    def _private(self) -> Ed25519PrivateKey:
        purpose = b"export_pipelines AUDIT_KEY signs checkpoints"
        return Ed25519PrivateKey.from_private_bytes(
            HKDF(SHA256(), 32, None, purpose).derive(self.version.material)
        )

    @property
    def public(self) -> Ed25519PublicKey:
        return self._private.public_key()

    def sign(self, data: bytes) -> bytes:
        """The signature of any bytes, as openssl verifies it."""
        return self._private.sign(data)

    def note(self, checkpoint: Checkpoint) -> str:
        """The checkpoint as a signed note."""
        text = checkpoint.text()
        signature = key_id(self.public) + self.sign(text.encode())
        return f"{text}\n\N{EM DASH} {ORIGIN} {base64.b64encode(signature).decode()}\n"


def open_note(note: str, *keys: Ed25519PublicKey) -> Checkpoint:
    """The checkpoint of a note that one of `keys` signed. Raises RequestError for another note, or one that was changed."""
    text, _ = signature_in(note, *keys)
    return Checkpoint.of_text(text)


def signature_in(note: str, *keys: Ed25519PublicKey) -> tuple[str, bytes]:
    """What was signed, and the signature. Raises RequestError as `open_note`."""
    text, separator, signatures = note.partition("\n\n")
    for line in signatures.splitlines() if separator else ():
        mark, _, words = line.partition(" ")
        name, _, encoded = words.partition(" ")
        if mark != "\N{EM DASH}" or name != ORIGIN:
            continue
        signature = _bytes(encoded)
        for key in keys:
            if signature[:ID_BYTES] == key_id(key) and _holds(key, signature[ID_BYTES:], f"{text}\n"):
                return f"{text}\n", signature[ID_BYTES:]
    raise _no_checkpoint()


def _holds(key: Ed25519PublicKey, signature: bytes, text: str) -> bool:
    try:
        key.verify(signature, text.encode())
    except InvalidSignature:
        return False
    return True


def key_id(key: Ed25519PublicKey) -> bytes:
    """The four bytes by which a note names the key that signed it."""
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(ORIGIN.encode() + b"\n" + ED25519 + raw).digest()[:ID_BYTES]


def public_pem(key: Ed25519PublicKey) -> str:
    """The key as openssl reads it."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _bytes(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError:
        return b""


def _no_checkpoint() -> RequestError:
    return RequestError(
        "that is no checkpoint of this audit, or its signature does not hold",
        remedy="give a file that `export-pipelines audit checkpoint` wrote, and the public key of that time",
    )
