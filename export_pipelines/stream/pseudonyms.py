"""Pseudonyms: a value's keyed hash, and a token that gives the value back. Null stays null, empty stays empty."""

import base64
import re
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import polars as pl
import pyarrow as pa
import stringzilla as sz
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from export_pipelines.errors import SettingsError
from export_pipelines.stream.keys import Keys
from export_pipelines.stream.letters import (
    NOT_DIGIT,
    PRINTED,
    Bytes,
    Letters,
    Rows,
    arrow_texts,
    table_without,
)

TOKEN_PREFIX = "tok"
TOKEN_PURPOSE = b"export_pipelines token v1"
KEY_ID_BYTES = 4
HEX_OF = np.frombuffer(b"".join(b"%02x" % code for code in range(256)), np.uint16)
NOT_PRINTED = table_without(PRINTED)


def hashed(type: str, texts: pl.Series, keys: Keys) -> pl.Series:
    """HMAC-SHA256 (RFC 2104) in hexadecimal, of all values at once: one after the other takes four times as long."""
    if keys.hash_key is None:
        raise SettingsError("hash needs the key EXPORT_PIPELINES_HASH_KEY, which is not set")
    letters = Letters.of(arrow_texts(texts))
    plain, rows, said = _canonical(type, letters)
    codes = _hmac(keys.hash_key, plain.texts)
    codes[rows] = _hmac(keys.hash_key, pa.array(said, pa.large_string()))
    starts = np.arange(len(texts) + 1) * 2 * SHA256.digest_size
    shown = Letters.from_bytes(starts, HEX_OF.take(codes)).series()
    return _with_blanks(shown, texts, letters)


def tokenised(type: str, texts: pl.Series, keys: Keys) -> pl.Series:
    """A token for each value, by AES-SIV (RFC 5297): equal values of a type have equal tokens."""
    hide = _tokeniser(keys)
    found = arrow_texts(texts).dictionary_encode()
    tokens = pa.array([hide(text) for text in found.dictionary.to_pylist()], pa.large_string())
    return pl.Series(pl.from_arrow(tokens.take(found.indices)))


def detokenise(token: str, keys: Keys) -> str:
    """The value behind a token. Raises SettingsError without the key, ValueError for a token of another key."""
    cipher, key_id = _cipher(keys)
    prefix, found, body = token.split("_", 2)
    if (prefix, found) != (TOKEN_PREFIX, key_id):
        raise ValueError("the token was made with another key")
    padded = body + "=" * (-len(body) % 4)
    return cipher.decrypt(base64.urlsafe_b64decode(padded), [TOKEN_PURPOSE]).decode()


def canonical(type: str, text: str) -> str:
    """The spelling that is hashed, so that the same person is found again however the value was typed."""
    text = text.strip()
    if type == "email":
        return text.lower()
    if type == "phone":
        digits = re.sub(r"\D", "", text)
        return digits[1:] if len(digits) == 11 and digits[0] == "1" else digits or text
    return text


def _hmac(key: bytes, texts: pa.LargeStringArray) -> Bytes:
    codes = np.empty((len(texts), SHA256.digest_size), np.uint8)
    sz.hmac_sha256(key, sz.Strs(texts), codes)
    return codes


def _with_blanks(shown: pl.Series, texts: pl.Series, letters: Letters) -> pl.Series:
    """With null and empty where `texts` are so."""
    blank = np.flatnonzero(letters.lengths == 0)
    return shown.scatter(blank, texts[blank]) if len(blank) else shown


def _canonical(type: str, letters: Letters) -> tuple[Letters, Rows, list[str]]:
    """Values as they are, or in lower case, which is `canonical` for most; and of which rows it is something else."""
    rows = letters.rows_of(letters.places(NOT_DIGIT if type == "phone" else NOT_PRINTED))
    if type == "phone":
        rows = np.union1d(rows, np.flatnonzero(letters.lengths == len("15551234567")))
    said = [canonical(type, text) for text in letters.take(rows).texts.to_pylist()]
    return letters.lower() if type == "email" else letters, rows, said


def _tokeniser(keys: Keys) -> Callable[[str], str]:
    cipher, key_id = _cipher(keys)

    def hide(text: str) -> str:
        if not text:
            return text
        sealed = cipher.encrypt(text.encode(), [TOKEN_PURPOSE])
        return f"{TOKEN_PREFIX}_{key_id}_{base64.urlsafe_b64encode(sealed).decode().rstrip('=')}"

    return hide


def _cipher(keys: Keys) -> tuple[AESSIV, str]:
    if keys.master_key is None:
        raise SettingsError("tokenize needs the key EXPORT_PIPELINES_MASTER_KEY, which is not set")
    return _derived(keys.master_key)


@lru_cache(4)
def _derived(master_key: bytes) -> tuple[AESSIV, str]:
    """The cipher of a key, and an id that tells keys apart and nothing about them."""
    material = HKDF(SHA256(), 64 + KEY_ID_BYTES, None, TOKEN_PURPOSE).derive(master_key)
    return AESSIV(material[:64]), material[64:].hex()
