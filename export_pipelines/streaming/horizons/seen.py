"""Which rows were sent, as eight bytes of a digest each, since their ids would make the cursor three times as long."""

from base64 import b64decode, b64encode
from collections.abc import Iterable
from hashlib import blake2b

BYTES = 8  # of 100,000 rows and one, two have the same digest in one of 10^14 cases


def digest(*parts: str) -> bytes:
    return blake2b("\0".join(parts).encode(), digest_size=BYTES).digest()


def packed(digests: Iterable[bytes]) -> str:
    return b64encode(b"".join(sorted(digests))).decode()


def unpacked(text: str) -> frozenset[bytes]:
    data = b64decode(text)
    return frozenset(data[start : start + BYTES] for start in range(0, len(data), BYTES))
