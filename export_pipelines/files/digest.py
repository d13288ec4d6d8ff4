"""Size and SHA-256 of a stream of bytes, copied on the way if wanted."""

import hashlib
import io
from typing import BinaryIO, Protocol, cast

READ_BYTES = 1024 * 1024


class Copy(Protocol):
    """What takes a copy, piece by piece."""

    def write(self, data: bytes, /) -> object: ...


def digest_of(source: BinaryIO, copy: Copy | None = None) -> tuple[int, str]:
    """Reads `source` to its end, in constant memory, into `copy` if given; returns bytes and hexadecimal SHA-256."""
    size, digest, room = 0, hashlib.sha256(), memoryview(bytearray(READ_BYTES))
    while count := cast(io.BufferedIOBase, source).readinto(room):
        block = room[:count]
        size += count
        digest.update(block)
        if copy is not None:
            copy.write(bytes(block))
    return size, digest.hexdigest()
