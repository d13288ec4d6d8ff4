"""Codecs: the bytes of one part, compressed as they come. None carries a clock, so equal bytes stay equal. A library that
one codec alone needs is imported by it."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import chain, islice
from typing import Any, Protocol

from isal import isal_zlib

from export_pipelines.errors import DataError

Chunk = bytes | memoryview


class Compressor(Protocol):
    """Takes a file piece by piece; `flush` gives what it has kept back, and the end."""

    def compress(self, data: Chunk) -> bytes: ...

    def flush(self) -> bytes: ...


Codec = Callable[[Iterable[Chunk], str], Iterator[bytes]]

FAST_LEVEL = 2  # isal: seven times the speed of zlib's 6, files a sixth larger
ISAL_LEVELS = 3
ZSTD_LEVEL = 3
ZSTD_TOLD_CHUNKS = (
    4  # of a part that is held until its size is known, since some readers want it in front of the frame
)
GZIP_BITS, RAW_BITS = 31, -15
ZIP_CHUNK_BYTES = 65_536
ZIP_TIME = datetime(1980, 1, 1)  # noqa: DTZ001 - the zip format's first moment, without a zone
ZIP_FRAME_BYTES = (
    1024  # of one archive with one member: headers and directory; the name counts twice, at most 255 bytes
)
TRAILER_BYTES = 64  # of one stream: header and trailer with checksum
BLOCK_SHARE = 1000  # bytes that cannot be compressed become longer by less than one in so many


class Plain:
    """Compresses nothing."""

    def compress(self, data: Chunk) -> bytes:
        return bytes(data)

    def flush(self) -> bytes:
        return b""


class Flushing:
    """A deflater that gives out all it has after every chunk, so that the size of what was written is known."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def compress(self, data: Chunk) -> bytes:
        return bytes(self.inner.compress(data) + self.inner.flush(zlib.Z_SYNC_FLUSH))

    def flush(self) -> bytes:
        return bytes(self.inner.flush(zlib.Z_FINISH))


def codec_of(name: str, level: int | None, part_bytes: int | None = None) -> Codec:
    """The codec `none`, `gzip`, `zip` or `zstd`: chunks and the part's name in, compressed chunks out.

    With `part_bytes` all but `held_bytes` of each chunk has come out before the next is taken, so that parts can be
    cut by their size.
    """
    flushing = part_bytes is not None

    def deflater(bits: int) -> Any:
        inner = _deflater(level, bits)
        return Flushing(inner) if flushing else inner

    def gzip(chunks: Iterable[Chunk], _: str) -> Iterator[bytes]:
        yield from _pushed(deflater(GZIP_BITS), chunks)

    def archive(chunks: Iterable[Chunk], part: str) -> Iterator[bytes]:
        from stream_zip import ZIP_32, ZipOverflowError, stream_zip

        # without the fields of 64 bits, which programs refuse that read an archive as it comes
        member = (part.removesuffix(".zip"), ZIP_TIME, 0o100644, ZIP_32, map(bytes, chunks))
        size = _zip_chunk_bytes(part_bytes)
        try:
            yield from stream_zip([member], chunk_size=size, get_compressobj=lambda: deflater(RAW_BITS))
        except ZipOverflowError as error:
            raise DataError(
                "a file in a zip archive holds less than 4 GB, and this part has more",
                where=part,
                remedy="give the export `split: {bytes: 1 GB}`, or take gzip",
            ) from error

    def zstd(chunks: Iterable[Chunk], _: str) -> Iterator[bytes]:
        import zstandard

        chunks = iter(chunks)
        # a part that is cut by its size must come out as it goes in
        begin = [] if flushing else list(islice(chunks, ZSTD_TOLD_CHUNKS + 1))
        known = not flushing and len(begin) <= ZSTD_TOLD_CHUNKS
        size = sum(map(len, begin)) if known else zstandard.CONTENTSIZE_UNKNOWN
        frame = _zstd(level).compressobj(size=size)
        for chunk in chain(begin, chunks):
            yield frame.compress(chunk)
            if flushing:
                yield frame.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        yield frame.flush()

    def none(chunks: Iterable[Chunk], _: str) -> Iterator[bytes]:
        yield from map(bytes, chunks)

    return {"none": none, "gzip": gzip, "zip": archive, "zstd": zstd}[name]


def compressor_of(name: str, level: int | None) -> Compressor:
    """The codec `none`, `gzip` or `zstd` for a file whose pieces come by and by."""
    compressors: dict[str, Callable[[], Compressor]] = {
        "none": Plain,
        "gzip": lambda: _deflater(level, GZIP_BITS),
        "zstd": lambda: _zstd(level).compressobj(),
    }
    return compressors[name]()


def _deflater(level: int | None, bits: int) -> Any:
    chosen = FAST_LEVEL if level is None else level
    return (isal_zlib if chosen <= ISAL_LEVELS else zlib).compressobj(chosen, wbits=bits)


def _zstd(level: int | None) -> Any:
    import zstandard

    return zstandard.ZstdCompressor(level=level or ZSTD_LEVEL, write_checksum=True)


def held_bytes(name: str, part_bytes: int) -> int:
    """What a codec may still add to a part that it was asked to keep below `part_bytes`: kept back, or put at the end,
    or because what comes cannot be compressed."""
    longer = TRAILER_BYTES + part_bytes // BLOCK_SHARE
    return {
        "none": 0,
        "gzip": longer,
        "zstd": longer,
        "zip": longer + ZIP_FRAME_BYTES + 2 * _zip_chunk_bytes(part_bytes),
    }[name]


def _zip_chunk_bytes(part_bytes: int | None) -> int:
    """stream_zip keeps back a chunk of what comes in and one of what goes out: small ones where parts are small."""
    if part_bytes is None:
        return ZIP_CHUNK_BYTES
    return min(ZIP_CHUNK_BYTES, max(part_bytes // 50, 256))


def _pushed(deflater: Any, chunks: Iterable[Chunk]) -> Iterator[bytes]:
    for chunk in chunks:
        yield deflater.compress(chunk)
    yield deflater.flush()
