"""The bytes of a part without its codec."""

import gzip
import io
import zipfile
from collections.abc import Callable, Mapping

import zstandard


def _unzipped(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        (member,) = archive.infolist()
        return archive.read(member)


def _zstd(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()


DECOMPRESS: Mapping[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": gzip.decompress,
    "zip": _unzipped,
    "zstd": _zstd,
}
