"""Pseudonyms: a value's keyed hash, and a token that gives the value back. Null stays null, empty stays empty.

A hash is `<key id>_<32 hexadecimal digits>`, a token `tok_<key id>_<base64url>`. Both are of the normalised value and of
its semantic type: an e-mail address has the same one in every field of type email, and another one as a name.
"""

import base64
import binascii
import re
from functools import lru_cache

import numpy as np
import polars as pl
import pyarrow as pa
import stringzilla as sz
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from export_pipelines.catalog.semantic_types import SEMANTIC_TYPES
from export_pipelines.errors import RequestError
from export_pipelines.key_versions import KeyVersion, listed
from export_pipelines.mask.keys import Keys
from export_pipelines.mask.normalise import normalised_all
from export_pipelines.transform.letters import Letters, strings_of

HASH_PURPOSE = "export_pipelines hash v1"
TOKEN_PURPOSE = b"export_pipelines token v1"
HASH_BYTES = 16  # of the HMAC's 32: RFC 2104, section 5
CIPHER_KEY_BYTES = 64
HEX_OF = np.frombuffer(b"".join(b"%02x" % code for code in range(256)), np.uint16)
TOKEN = re.compile(r"tok_([0-9a-f]{8})_([A-Za-z0-9_-]+)")


def hashed(type: str, letters: Letters, keys: Keys) -> pl.Series:
    """HMAC-SHA-256 of all values at once: one after the other takes four times as long.

    Raises SettingsError without a key that can be used.
    """
    version = keys.hash_key.active("hash")
    values = normalised_all(type, letters)
    codes = np.empty((len(values), SHA256.digest_size), np.uint8)
    sz.hmac_sha256(_subkey(version.material, type), strings_of(values), codes)
    prefix = np.frombuffer(f"{version.id}_".encode(), np.uint8)
    shown = np.empty((len(values), len(prefix) + 2 * HASH_BYTES), np.uint8)
    shown[:, : len(prefix)] = prefix
    shown[:, len(prefix) :] = HEX_OF.take(codes[:, :HASH_BYTES]).view(np.uint8)
    filled = Letters(values).lengths > 0  # after blanks were taken off
    return letters.replaced_by(shown, filled)


def tokenized(type: str, letters: Letters, keys: Keys) -> pl.Series:
    """A token for each value, by AES-SIV (RFC 5297). Raises SettingsError without a key that can be used."""
    version = keys.master_key.active("tokenize")
    encoded = letters.texts.dictionary_encode()
    values = normalised_all(type, Letters(encoded.dictionary)).to_pylist()
    material, start = version.material, f"tok_{version.id}_"
    tokens = [start + _encrypted(material, type, value) if value else "" for value in values]
    places = pa.Int32Array.from_buffers(
        pa.int32(), len(letters), [letters.nulls, encoded.indices.buffers()[1]]
    )
    return pl.Series("", tokens, pl.String).gather(pl.Series(places))


class Opener:
    """Gives values back for tokens of any held version of the master key."""

    def __init__(self, keys: Keys) -> None:
        """Raises SettingsError without a key that can be used."""
        keys.master_key.require("detokenize")
        self.versions = {version.id: version for version in keys.master_key.local}
        self.bounds = [_bound(name) for name in SEMANTIC_TYPES]  # what opened last comes first

    def open(self, token: str) -> str:
        """The normalised value behind `token`. Raises RequestError, which repeats nothing of it but the key's id."""
        match = TOKEN.fullmatch(token)
        if not match:
            raise RequestError("that is no token", remedy="a token is tok_<key id>_<letters and digits>")
        version = self.versions.get(match[1])
        if version is None:
            raise RequestError(
                f"the token was made with the key {match[1]}, which is not held: it is retired, or another project's",
                remedy=f"held: {listed(self.versions.values())}",
            )
        return self._opened(match[2], version)

    def _opened(self, body: str, version: KeyVersion) -> str:
        cipher = _cipher(version.material)
        try:
            sealed = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
            for place, bound in enumerate(self.bounds):
                try:
                    value = cipher.decrypt(sealed, [bound]).decode()
                except InvalidTag:
                    continue
                self.bounds.insert(0, self.bounds.pop(place))
                return value
        except (binascii.Error, ValueError):
            pass
        raise RequestError("the token is damaged: its key does not open it", remedy="copy it whole")


@lru_cache(64)
def _subkey(material: bytes, type: str) -> bytes:
    return HKDF(SHA256(), SHA256.digest_size, None, f"{HASH_PURPOSE} {type}".encode()).derive(material)


@lru_cache(8)
def _cipher(material: bytes) -> AESSIV:
    return AESSIV(HKDF(SHA256(), CIPHER_KEY_BYTES, None, TOKEN_PURPOSE).derive(material))


def _bound(type: str) -> bytes:
    """What a token authenticates beside its value."""
    return TOKEN_PURPOSE + b" " + type.encode()


@lru_cache(16_384)
def _encrypted(material: bytes, type: str, value: str) -> str:
    sealed = _cipher(material).encrypt(value.encode(), [_bound(type)])
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")
