"""Codecs: what comes out reads back elsewhere, is the same every time, and keeps to the length that was asked for."""

import gzip
import io
import itertools
import random
import struct
import subprocess
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from export_pipelines.definition.output import CODECS
from export_pipelines.encode.compress import codec_of, held_bytes
from export_pipelines.errors import DataError
from export_pipelines_servers.packages import program
from export_pipelines_tests.cells import in_turn
from export_pipelines_tests.conftest import examples

LEVELS = [(name, level) for name, spec in CODECS.items() for level in (None, *spec.levels)]
SOME = [
    (name, level) for name, spec in CODECS.items() for level in sorted({*spec.levels[:1], *spec.levels[-1:]})
]
CHOSEN = [*((name, None) for name in CODECS), *SOME]
some_levels = pytest.mark.parametrize(("name", "level"), CHOSEN)
flushing = pytest.mark.parametrize("part_bytes", [None, 100_000])
LINES = b"".join(b"%d,Ann Example,ann.%d@example.com,25.00\n" % (i, i % 97) for i in range(5_000))
DATA = {
    "nothing": b"",
    "one byte": b"x",
    "lines": LINES,
    "zeros": bytes(300_000),
    "noise": random.Random(7).randbytes(300_000),
}


def _member(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return archive.read("part_1.csv")


READ: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": gzip.decompress,
    "zip": _member,
    "zstd": lambda data: pa.CompressedInputStream(pa.BufferReader(data), "zstd").read(),
}


def chunks_of(data: bytes, size: int = 40_000) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def compressed(
    name: str,
    level: int | None,
    chunks: Iterable[bytes],
    part_bytes: int | None = None,
    part: str = "part_1.csv",
) -> bytes:
    return b"".join(codec_of(name, level, part_bytes)(chunks, part + CODECS[name].suffix))


@pytest.mark.parametrize(("name", "level"), LEVELS)
def test_every_level_gives_shorter_lines_that_read_back(name: str, level: int | None) -> None:
    data = compressed(name, level, chunks_of(LINES))
    assert READ[name](data) == LINES
    assert name == "none" or len(data) < len(LINES) / 3


@pytest.mark.parametrize(
    ("name", "level", "data", "part_bytes"),
    in_turn([(*chosen, data) for chosen in CHOSEN for data in DATA], None, 100_000),
)
def test_every_byte_comes_back(name: str, level: int | None, data: str, part_bytes: int | None) -> None:
    assert READ[name](compressed(name, level, chunks_of(DATA[data]), part_bytes)) == DATA[data]


@flushing
@some_levels
def test_equal_input_gives_equal_bytes(name: str, level: int | None, part_bytes: int | None) -> None:
    lines = LINES[:60_000]  # the greatest level of zstd takes a second for them all
    first, second = (compressed(name, level, chunks_of(lines, 9_000), part_bytes) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", ["gzip", "zip", "zstd"])
def test_lines_that_are_flushed_become_shorter(name: str) -> None:
    assert len(compressed(name, None, chunks_of(LINES), 100_000)) < len(LINES) / 3


@pytest.mark.parametrize("name", ["gzip", "zip", "zstd"])
def test_the_greatest_level_is_smaller_than_the_least(name: str) -> None:
    levels = CODECS[name].levels
    least, greatest = (compressed(name, level, chunks_of(LINES)) for level in (levels[0], levels[-1]))
    assert len(greatest) < len(least)


@pytest.mark.parametrize("level", [None, 1, 9])
def test_gzip_carries_no_clock(level: int | None) -> None:
    assert compressed("gzip", level, [LINES])[4:8] == bytes(4)


@pytest.mark.parametrize("part", ["part_1.csv", "é 1.csv", "a.zip.csv", "x" * 195 + ".csv"])
def test_an_archive_holds_one_file_named_as_the_part_without_zip(part: str) -> None:
    with zipfile.ZipFile(io.BytesIO(compressed("zip", None, [LINES], part=part))) as archive:
        assert archive.namelist() == [part]


def test_an_archives_file_can_be_read_by_all_and_has_no_clock() -> None:
    with zipfile.ZipFile(io.BytesIO(compressed("zip", None, [LINES]))) as archive:
        (member,) = archive.infolist()
    assert (datetime(*member.date_time), member.external_attr >> 16) == (datetime(1980, 1, 1), 0o100644)  # noqa: DTZ001


READERS = {
    "unzip": ("unzip", ["-p"]),
    "busybox": ("busybox", ["unzip", "-p"]),
    "bsdtar": ("libarchive-tools", ["-xOf"]),
    "7z": ("p7zip-full", ["x", "-so"]),
}


@pytest.mark.parametrize("name", READERS)
@flushing
def test_other_programs_read_an_archive(name: str, part_bytes: int | None, tmp_path: Path) -> None:
    package, words = READERS[name]
    file = tmp_path / "part_1.csv.zip"
    file.write_bytes(compressed("zip", None, chunks_of(LINES), part_bytes))
    read = subprocess.run([program(name, package), *words, str(file)], capture_output=True, check=True)
    assert read.stdout == LINES


def test_an_archive_is_read_as_it_comes() -> None:
    """By programs that see its beginning alone: it asks for version 2.0 of the format, and has no field of 64 bits."""
    data = compressed("zip", None, [LINES])
    signature, version, flags, method = struct.unpack_from("<4sHHH", data)
    assert (signature, version, method) == (b"PK\x03\x04", 20, 8) and flags & 8
    name_size, extra_size = struct.unpack_from("<HH", data, 26)
    extra = data[30 + name_size : 30 + name_size + extra_size]
    assert (extra[:2], len(extra)) == (b"UT", 9)  # the time alone
    assert b"PK\x06\x06" not in data  # the end of a directory of 64 bits


def test_a_file_of_more_than_4_gb_in_an_archive_is_refused() -> None:
    zeros = bytes(1 << 26)
    with pytest.raises(DataError, match="less than 4 GB"):
        for _ in codec_of("zip", None)(itertools.repeat(zeros, 65), "part_1.csv.zip"):
            pass


@pytest.mark.parametrize("name", CODECS)
def test_what_came_out_is_known_but_for_what_is_held(name: str) -> None:
    """All that was fed, and cannot be compressed, has come out when the next chunk is asked for."""
    part_bytes = 100_000
    known: list[int] = []
    fed = stored = 0

    def chunks() -> Iterator[bytes]:
        nonlocal fed
        for chunk in chunks_of(DATA["noise"][:90_000], 7_000):
            yield chunk
            fed += len(chunk)
            known.append(fed - stored)

    for data in codec_of(name, None, part_bytes)(chunks(), "part_1.csv"):
        stored += len(data)
    assert max(known) <= held_bytes(name, part_bytes)


def _noise(size: int, random: random.Random) -> bytes:
    return random.randbytes(size)


def _letters(size: int, random: random.Random) -> bytes:
    return bytes(random.choices(b"abcdefghijklmnop,\n", k=size))


def length_of(
    name: str, level: int | None, limit: int, sizes: list[int], content: Callable[[int], bytes]
) -> int:
    """Bytes of a part that was fed as long as there was room, never more at once than that."""
    buffered, stored = held_bytes(name, limit), 0

    def chunks() -> Iterator[bytes]:
        for size in sizes:
            free = limit - stored - buffered
            if free > 0:
                yield content(min(size, free))

    for data in codec_of(name, level, limit)(chunks(), "x" * 190 + CODECS[name].suffix):
        stored += len(data)
    return stored


@pytest.mark.parametrize("content", [_noise, _letters])
@pytest.mark.parametrize("limit", [5_000, 100_000, 1_000_000])
@pytest.mark.parametrize(("name", "level"), [pair for pair in LEVELS if pair[1] in (None, 1, 9)])
def test_a_part_that_is_filled_to_the_brim_keeps_to_its_length(
    name: str, level: int | None, limit: int, content: Callable[[int, random.Random], bytes]
) -> None:
    source = random.Random(limit)
    assert length_of(name, level, limit, [limit] * 6, lambda size: content(size, source)) <= limit


@pytest.mark.parametrize("name", CODECS)
@settings(max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    level=st.none() | st.integers(1, 9),
    limit=st.integers(2_000, 60_000),
    sizes=st.lists(st.integers(1, 60_000), max_size=60),
    seed=st.integers(0, 9),
)
def test_a_part_fed_in_any_way_keeps_to_its_length(
    name: str, level: int | None, limit: int, sizes: list[int], seed: int
) -> None:
    source = random.Random(seed)
    assert length_of(name, level, limit, sizes, lambda size: _noise(size, source)) <= limit


@pytest.mark.parametrize("level", [None, 1, 19])
@pytest.mark.parametrize("size", [0, 1, 40_000, 40_001, 160_000])
def test_a_frame_of_zstd_tells_its_size_where_that_is_known(size: int, level: int | None) -> None:
    data = random.Random(size).randbytes(size)
    frame = b"".join(codec_of("zstd", level)(chunks_of(data), "part_1.csv"))
    assert zstandard.frame_content_size(frame) == size
    assert zstandard.ZstdDecompressor().decompress(frame) == data


@pytest.mark.parametrize(("size", "part_bytes"), [(160_001, None), (400_000, None), (100, 100_000)])
def test_a_frame_of_zstd_that_is_not_held_tells_no_size(size: int, part_bytes: int | None) -> None:
    data = random.Random(size).randbytes(size)
    frame = b"".join(codec_of("zstd", None, part_bytes)(chunks_of(data), "part_1.csv"))
    assert zstandard.frame_content_size(frame) == -1
    assert zstandard.ZstdDecompressor().decompressobj().decompress(frame) == data
