"""API keys: `epk_`, 256 random bits, and a checksum that tells a mistyped key from one that is not known."""

import hashlib
import re
import zlib
from datetime import timedelta

from export_pipelines.errors import Denied, RequestError

PREFIX = "epk_"
RANDOM_BYTES = 32
ID_DIGITS = 8  # of the random part, by which lists name a key
_KEY = re.compile(rf"{PREFIX}([0-9a-f]{{{2 * RANDOM_BYTES}}})([0-9a-f]{{8}})")
_SPAN = re.compile(r"([1-9][0-9]{0,4})d")


def key_text(random: bytes) -> str:
    """The key made of 32 random bytes."""
    if len(random) != RANDOM_BYTES:
        raise ValueError("a key is made of 256 random bits")
    return f"{PREFIX}{random.hex()}{_checksum(random.hex())}"


def digest_of(key: str) -> str:
    """The SHA-256 that the ledger keeps. Raises Denied for a text that is no key, without repeating it."""
    match = _KEY.fullmatch(key.strip())
    if not match or _checksum(match[1]) != match[2]:
        raise Denied(
            "that is no API key: its form or its checksum is wrong",
            remedy=f"a key begins with {PREFIX} and is copied as a whole",
        )
    return hashlib.sha256(match[0].encode()).hexdigest()


def id_of(key: str) -> str:
    """The name that lists show."""
    return key[len(PREFIX) : len(PREFIX) + ID_DIGITS]


def days_in(text: str) -> timedelta:
    """`90d`. Raises RequestError."""
    match = _SPAN.fullmatch(text)
    if not match:
        raise RequestError(f'"{text[:20]}" is no number of days', remedy="write 90d")
    return timedelta(days=int(match[1]))


def _checksum(text: str) -> str:
    return f"{zlib.crc32((PREFIX + text).encode()):08x}"
