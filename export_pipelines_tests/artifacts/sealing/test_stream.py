"""The stored bytes of a sealed part, held against the package tink both ways."""

import io
import os
import random
from collections.abc import Callable
from typing import BinaryIO, cast

import pytest
import tink
from tink import proto_keyset_format, secret_key_access, streaming_aead
from tink.proto import aes_gcm_hkdf_streaming_pb2, common_pb2, tink_pb2

from export_pipelines.artifacts.sealing.stream import (
    HEADER_BYTES,
    SEGMENT_BYTES,
    TAG_BYTES,
    OpenedPart,
    SealingSink,
    sealed_size,
)
from export_pipelines.errors import DamagedArtifact
from export_pipelines_tests.artifacts.memory import Memory

KEY, CONTEXT = bytes(range(32)), b"a part"
FIRST = SEGMENT_BYTES - HEADER_BYTES - TAG_BYTES
NEXT = SEGMENT_BYTES - TAG_BYTES
SIZES = (0, 1, FIRST - 1, FIRST, FIRST + 1, FIRST + NEXT, FIRST + NEXT + 1, 3 * SEGMENT_BYTES)


def sealed(text: bytes, key: bytes = KEY, context: bytes = CONTEXT, piece: int = 300_000) -> bytes:
    memory = Memory()
    sink = SealingSink(memory, key, context)
    for start in range(0, len(text), piece):
        sink.write(text[start : start + piece])
    sink.finish()
    assert memory.is_finished
    return memory.data


def opener(data: bytes) -> Callable[[int], BinaryIO]:
    return lambda start: io.BytesIO(data[start:])


def opened(data: bytes, key: bytes = KEY, context: bytes = CONTEXT) -> OpenedPart:
    return OpenedPart(opener(data), len(data), key, context, "daily/2024-01-15/leads.csv")


def whole(data: bytes, key: bytes = KEY, context: bytes = CONTEXT) -> bytes:
    with opened(data, key, context) as part:
        return io.BufferedReader(part).read()


def tinks() -> streaming_aead.StreamingAead:
    """Tink's primitive over KEY."""
    streaming_aead.register()
    key = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey(
        key_value=KEY,
        params=aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingParams(
            ciphertext_segment_size=SEGMENT_BYTES, derived_key_size=32, hkdf_hash_type=common_pb2.SHA256
        ),
    )
    keyset = tink_pb2.Keyset(
        primary_key_id=1,
        key=[
            tink_pb2.Keyset.Key(
                key_id=1,
                status=tink_pb2.ENABLED,
                output_prefix_type=tink_pb2.RAW,
                key_data=tink_pb2.KeyData(
                    type_url="type.googleapis.com/google.crypto.tink.AesGcmHkdfStreamingKey",
                    value=key.SerializeToString(),
                    key_material_type=tink_pb2.KeyData.SYMMETRIC,
                ),
            )
        ],
    )
    handle: tink.KeysetHandle = proto_keyset_format.parse(keyset.SerializeToString(), secret_key_access.TOKEN)
    return handle.primitive(streaming_aead.StreamingAead)


@pytest.mark.parametrize("size", SIZES)
def test_tink_opens_what_we_sealed(size: int) -> None:
    text = os.urandom(size)
    data = sealed(text)
    assert len(data) == sealed_size(size)
    with tinks().new_decrypting_stream(cast("BinaryIO", io.BytesIO(data)), CONTEXT) as stream:
        assert stream.read() == text


@pytest.mark.parametrize("size", SIZES)
def test_we_open_what_tink_sealed(size: int) -> None:
    text, file = os.urandom(size), io.BytesIO()
    file.close = lambda: None  # type: ignore[method-assign]
    with tinks().new_encrypting_stream(cast("BinaryIO", file), CONTEXT) as stream:
        stream.write(text)
    assert whole(file.getvalue()) == text


@pytest.mark.parametrize("size", SIZES)
def test_any_range_reads_as_in_the_plain_file(size: int) -> None:
    text = os.urandom(size)
    chance = random.Random(size)
    with io.BufferedReader(opened(sealed(text))) as part:
        for _ in range(20):
            start = chance.randint(0, size)
            part.seek(start)
            assert part.read(5000) == text[start : start + 5000]
        assert part.seek(-min(size, 7), io.SEEK_END) == size - min(size, 7)
        assert part.read() == text[max(0, size - 7) :]


@pytest.mark.parametrize("size", [1, FIRST, 2 * SEGMENT_BYTES])
def test_no_flipped_bit_is_given_out(size: int) -> None:
    data, chance = sealed(bytes(size)), random.Random(size)
    for place in [0, 1, HEADER_BYTES, len(data) - 1, *(chance.randrange(len(data)) for _ in range(10))]:
        changed = bytearray(data)
        changed[place] ^= 1 << chance.randrange(8)
        with pytest.raises(DamagedArtifact, match="daily/2024-01-15/leads.csv"):
            whole(bytes(changed))


@pytest.mark.parametrize("left", [0, 1, HEADER_BYTES, SEGMENT_BYTES, SEGMENT_BYTES + 1, 2 * SEGMENT_BYTES])
def test_a_cut_part_is_found_out_before_a_byte_is_given(left: int) -> None:
    with pytest.raises(DamagedArtifact):
        opened(sealed(bytes(3 * SEGMENT_BYTES))[:left])


def test_segments_that_were_exchanged_or_added_do_not_open() -> None:
    data = sealed(os.urandom(4 * SEGMENT_BYTES))
    first, second, third = (data[place * SEGMENT_BYTES :][:SEGMENT_BYTES] for place in range(3))
    rest = data[3 * SEGMENT_BYTES :]
    for changed in (first + third + second + rest, data + rest, data + b"\0", first + second + rest):
        with pytest.raises(DamagedArtifact):
            whole(changed)


def test_a_part_opens_neither_as_another_nor_under_another_key() -> None:
    data = sealed(b"rows")
    for key, context in ((KEY, b"another part"), (bytes(32), CONTEXT)):
        with pytest.raises(DamagedArtifact):
            opened(data, key, context)


def test_a_writer_that_stopped_leaves_what_does_not_open() -> None:
    memory = Memory()
    SealingSink(memory, KEY, CONTEXT).write(bytes(3 * SEGMENT_BYTES))
    with pytest.raises(DamagedArtifact):
        opened(memory.data)
