"""Size and SHA-256 of a stream of bytes, copied on the way if wanted."""

import hashlib
from typing import BinaryIO, Protocol

READ_BYTES = 1024 * 1024


class Copy(Protocol):
    """What takes a copy, piece by piece."""

    def write(self, data: bytes, /) -> object: ...


def digest_of(source: BinaryIO, copy: Copy | None = None) -> tuple[int, str]:
    """Reads `source` to its end, in constant memory, into `copy` if given; returns bytes and hexadecimal SHA-256."""
    size, digest = 0, hashlib.sha256()
    while block := source.read(READ_BYTES):
        size += len(block)
        digest.update(block)
        if copy is not None:
            copy.write(block)
    return size, digest.hexdigest()
