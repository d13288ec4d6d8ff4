"""One sealed part: Tink's streaming format AES256_GCM_HKDF_1MB, which any of Tink's libraries opens.

A header (its length, 32 bytes of salt, 7 of nonce prefix), then segments of 1 MiB, each closed by a tag of 16 bytes. A
segment's nonce holds its number and whether it is the last one, so none can be cut off, moved, or taken from another part.
Source: https://developers.google.com/tink/streaming-aead/aes_gcm_hkdf_streaming"""

import io
import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from export_pipelines.errors import DamagedArtifact

if TYPE_CHECKING:
    from export_pipelines.run.part_writer import PartSink

KEY_BYTES = 32
SALT_BYTES = 32
PREFIX_BYTES = 7
HEADER_BYTES = 1 + SALT_BYTES + PREFIX_BYTES
TAG_BYTES = 16
SEGMENT_BYTES = 1024 * 1024  # of ciphertext; the header is the beginning of the first
TEXT_BYTES = SEGMENT_BYTES - TAG_BYTES  # of plaintext in each segment but the first


def sealed_size(size: int) -> int:
    """The stored bytes of a part of `size` bytes."""
    segments = max(1, -(-(size + HEADER_BYTES) // TEXT_BYTES))
    return HEADER_BYTES + size + segments * TAG_BYTES


class SealingSink:
    """A PartSink that seals what is written on its way into `sink`. `context` says which part this is: it opens as no
    other. What is left before `finish` has no last segment, so it does not open."""

    def __init__(self, sink: "PartSink", key: bytes, context: bytes) -> None:
        self._sink, self._waiting, self._number = sink, bytearray(), 0
        salt, self._prefix = os.urandom(SALT_BYTES), os.urandom(PREFIX_BYTES)
        self._cipher = _cipher(key, salt, context)
        sink.write(bytes([HEADER_BYTES]) + salt + self._prefix)

    def write(self, data: bytes) -> None:
        self._waiting += data
        while len(self._waiting) > (size := _text_bytes(self._number)):  # the last one may be full: it waits
            self._put(bytes(self._waiting[:size]), last=False)
            del self._waiting[:size]

    def finish(self) -> None:
        self._put(bytes(self._waiting), last=True)
        self._sink.finish()

    def abort(self) -> None:
        self._sink.abort()

    def _put(self, text: bytes, *, last: bool) -> None:
        self._sink.write(self._cipher.encrypt(_nonce(self._prefix, self._number, last=last), text, None))
        self._number += 1


class OpenedPart(io.RawIOBase):
    """A sealed part as the bytes that were written; seeks at the cost of one segment.

    `open_at` gives the stored bytes from an offset, `size` is their number. The last segment is proven before anything
    is given out, and each segment before its bytes are: a part that was cut, changed or exchanged raises DamagedArtifact.
    """

    def __init__(
        self, open_at: Callable[[int], BinaryIO], size: int, key: bytes, context: bytes, where: str
    ) -> None:
        self._open_at, self._stored, self._where = open_at, size, where
        self._last = (size - 1) // SEGMENT_BYTES
        self._size = size - HEADER_BYTES - TAG_BYTES * (self._last + 1)
        self._position, self._number, self._text = 0, -1, memoryview(b"")
        self._opened: memoryview | None = None  # room for the text of a segment
        self._file = open_at(0)
        header = self._file.read(HEADER_BYTES)
        if self._size < 0 or len(header) < HEADER_BYTES or header[0] != HEADER_BYTES:
            raise self._damaged()
        self._cipher = _cipher(key, header[1 : 1 + SALT_BYTES], context)
        self._prefix = header[1 + SALT_BYTES :]
        self._at = HEADER_BYTES  # where `_file` stands
        if self._last:
            with open_at(self._last * SEGMENT_BYTES) as file, _ciphertext_buffer() as buffer:
                self._decrypt(self._last, _read(file, buffer, SEGMENT_BYTES))
                if file.read(1):
                    raise self._damaged()
            self.release()
        else:
            self._load(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        block = self._block(len(buffer))
        buffer[: len(block)] = block
        return len(block)

    def read_in_segment(self, most: int) -> memoryview:
        """At most so many bytes, up to the end of the segment; they are not copied, and are valid until the next read. Empty
        at the end."""
        return self._block(most)

    def release(self) -> None:
        """Gives up the memory of the open segment; what is read of it next is opened again."""
        self._text, self._number, self._opened = memoryview(b""), -1, None

    def _block(self, most: int) -> memoryview:
        if self._position >= self._size:
            return memoryview(b"")
        number, offset = _place(self._position)
        self._load(number)
        block = self._text[offset : offset + most]
        self._position += len(block)
        return block

    def close(self) -> None:
        if not self.closed:
            self.release()
            self._file.close()
        super().close()

    def _load(self, number: int) -> None:
        if number == self._number:
            return
        start = max(HEADER_BYTES, number * SEGMENT_BYTES)
        if start != self._at:
            self._file.close()
            self._file = self._open_at(start)
        size = min(self._stored, (number + 1) * SEGMENT_BYTES) - start
        self._text, self._number = memoryview(b""), -1  # until the next one is proven
        with _ciphertext_buffer() as buffer:
            stored = _read(self._file, buffer, size)
            self._at = start + len(stored)
            self._text, self._number = self._decrypt(number, stored), number

    def _decrypt(self, number: int, stored: memoryview) -> memoryview:
        """The text of a segment, until the next one is decrypted."""
        if self._opened is None:
            segment_bytes = max(TAG_BYTES, min(self._stored, SEGMENT_BYTES))
            self._opened = memoryview(bytearray(segment_bytes - TAG_BYTES))
        text = self._opened[: max(0, len(stored) - TAG_BYTES)]
        nonce = _nonce(self._prefix, number, last=number == self._last)
        try:
            self._cipher.decrypt_into(nonce, stored, None, text)
            return text
        except (InvalidTag, ValueError):
            raise self._damaged() from None

    def _damaged(self) -> DamagedArtifact:
        return DamagedArtifact(
            "the sealed part does not open: it was cut, changed, or belongs to another artifact",
            where=self._where,
            remedy="run the export again for this window; the source still holds the rows",
        )


_ciphertext_buffers: deque[memoryview] = deque()  # as many as segments were opened at one time


@contextmanager
def _ciphertext_buffer() -> Iterator[memoryview]:
    """Room for a segment as it is stored; readers share it, because none needs it between two segments."""
    try:
        buffer = _ciphertext_buffers.pop()
    except IndexError:
        buffer = memoryview(bytearray(SEGMENT_BYTES))
    try:
        yield buffer
    finally:
        _ciphertext_buffers.append(buffer)


def _read(file: BinaryIO, buffer: memoryview, size: int) -> memoryview:
    return buffer[: cast(io.BufferedIOBase, file).readinto(buffer[:size])]


def _cipher(key: bytes, salt: bytes, context: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt, context).derive(key))


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([last])


def _text_bytes(number: int) -> int:
    return TEXT_BYTES if number else TEXT_BYTES - HEADER_BYTES


def _place(position: int) -> tuple[int, int]:
    """The segment that holds a byte of the plaintext, and its place in it."""
    number, offset = divmod(position + HEADER_BYTES, TEXT_BYTES)
    return number, offset if number else position
