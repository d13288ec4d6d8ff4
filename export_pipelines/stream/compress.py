"""Codecs: the bytes of one part, compressed as they come. None carries a clock, so equal bytes stay equal."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

import zstandard
from isal import isal_zlib
from stream_zip import ZIP_64, stream_zip

Codec = Callable[[Iterable[bytes], str], Iterator[bytes]]

FAST_LEVEL = 2  # isal: ten times the speed of zlib's 6, files a sixth larger
ISAL_LEVELS = 3
ZSTD_LEVEL = 3
GZIP_BITS, RAW_BITS = 31, -15
ZIP_CHUNK_BYTES = 65_536
ZIP_TIME = datetime(1980, 1, 1)  # noqa: DTZ001 - the zip format's first moment, without a zone
HELD_BYTES = 2 * ZIP_CHUNK_BYTES  # what a codec may keep back or add at the end, at most


class Flushing:
    """A deflater that gives out all it has after every chunk, so that the size of what was written is known."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def compress(self, data: bytes) -> bytes:
        return bytes(self.inner.compress(data) + self.inner.flush(zlib.Z_SYNC_FLUSH))

    def flush(self) -> bytes:
        return bytes(self.inner.flush(zlib.Z_FINISH))


def codec_of(name: str, level: int | None, flushing: bool) -> Codec:
    """The codec `none`, `gzip`, `zip` or `zstd`: chunks and the part's name in, compressed chunks out.

    `flushing`: after each chunk all but HELD_BYTES of it has come out, for parts that are cut by bytes.
    """

    def deflater(bits: int) -> Any:
        chosen = FAST_LEVEL if level is None else level
        inner = (
            isal_zlib.compressobj(chosen, wbits=bits)
            if chosen <= ISAL_LEVELS
            else zlib.compressobj(chosen, wbits=bits)
        )
        return Flushing(inner) if flushing else inner

    def gzip(chunks: Iterable[bytes], _: str) -> Iterator[bytes]:
        yield from _pushed(deflater(GZIP_BITS), chunks)

    def archive(chunks: Iterable[bytes], part: str) -> Iterator[bytes]:
        member = (part.removesuffix(".zip"), ZIP_TIME, 0o100644, ZIP_64, chunks)
        yield from stream_zip(
            [member], chunk_size=ZIP_CHUNK_BYTES, get_compressobj=lambda: deflater(RAW_BITS)
        )

    def zstd(chunks: Iterable[bytes], _: str) -> Iterator[bytes]:
        frame = zstandard.ZstdCompressor(level=level or ZSTD_LEVEL, write_checksum=True).compressobj()
        for chunk in chunks:
            yield frame.compress(chunk)
            if flushing:
                yield frame.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        yield frame.flush()

    def none(chunks: Iterable[bytes], _: str) -> Iterator[bytes]:
        yield from chunks

    return {"none": none, "gzip": gzip, "zip": archive, "zstd": zstd}[name]


def _pushed(deflater: Any, chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        yield deflater.compress(chunk)
    yield deflater.flush()
