"""The writer alone: pieces in, parts in a store, no thread."""

import gzip
import hashlib
from collections.abc import Iterator

import pytest

from export_pipelines.encode.compress import codec_of
from export_pipelines.run.part_cutter import Begin, Drain, Encoded, Finish, Piece
from export_pipelines.run.part_writer import PartWriter
from export_pipelines_tests.encode.tables import MemoryStore

PART: list[Piece] = [Begin("a"), Encoded(0, b"id\n"), Encoded(2, b"1\n2\n"), Finish()]


def writer(store: MemoryStore, codec: str = "none", flushing: bool = False) -> PartWriter:
    part_bytes = 1_000 if flushing else None
    return PartWriter(codec_of(codec, None, part_bytes), store.open_part, lambda _: None, flushing)


def test_a_part_is_given_once_it_is_finished() -> None:
    store = MemoryStore()
    parts = writer(store, "gzip").write(iter([*PART, Begin("b"), Encoded(1, b"x"), Finish()]))
    first = next(parts)
    assert store.sinks["a"].state == "finished" and "b" not in store.sinks
    assert (first.name, first.rows, first.raw_bytes) == ("a", 2, 7)
    assert gzip.decompress(store.parts["a"]) == b"id\n1\n2\n"
    assert first.bytes == len(store.parts["a"])
    assert first.sha256 == hashlib.sha256(store.parts["a"]).hexdigest()
    assert [part.name for part in parts] == ["b"]


@pytest.mark.parametrize("codec", ["none", "gzip", "zstd"])
def test_what_is_stored_is_told_where_it_is_asked(codec: str) -> None:
    store, sizes = MemoryStore(), list[int]()

    def pieces() -> Iterator[Piece]:
        yield Begin("a")
        for _ in range(3):
            yield Encoded(1, b"a row\n" * 20)
            yield Drain()
            assert sizes[-1] == len(store.sinks["a"].data) > 0
        yield Finish()

    writing = PartWriter(codec_of(codec, None, 1_000), store.open_part, sizes.append, flushing=True)
    assert [part.rows for part in writing.write(pieces())] == [3]
    assert len(sizes) == 3 and sizes == sorted(sizes)


@pytest.mark.parametrize("codec", ["none", "gzip", "zip", "zstd"])
def test_bytes_do_not_depend_on_how_they_come(codec: str) -> None:
    data = bytes(range(256)) * 12_000  # three chunks
    results = []
    for step in (len(data), 1_000_003, 4_096):
        store = MemoryStore()
        rows = [Encoded(1, data[start : start + step]) for start in range(0, len(data), step)]
        list(writer(store, codec).write([Begin("a"), *rows, Finish()]))
        results.append(store.parts["a"])
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize(
    ("pieces", "error"),
    [
        ([Encoded(1, b"x")], TypeError),
        ([Begin("a"), Begin("b")], TypeError),
        ([Begin("a"), Encoded(1, b"x")], ValueError),
    ],
)
def test_pieces_out_of_order_finish_no_part(pieces: list[Piece], error: type[Exception]) -> None:
    store = MemoryStore()
    with pytest.raises(error):
        list(writer(store).write(pieces))
    assert store.states <= {"aborted"}


def test_an_error_of_the_pieces_aborts_the_part() -> None:
    def broken() -> Iterator[Piece]:
        yield from PART[:3]
        raise ConnectionError("gone")

    store = MemoryStore()
    with pytest.raises(ConnectionError, match="gone"):
        list(writer(store).write(broken()))
    assert store.states == {"aborted"}
