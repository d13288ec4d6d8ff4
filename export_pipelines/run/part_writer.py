"""The pieces of parts are compressed, hashed and handed to the store, one part after the other."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from export_pipelines.encode.compress import Chunk, Codec
from export_pipelines.run.part_cutter import Begin, Drain, Encoded, Piece

CHUNK_BYTES = (
    1024 * 1024
)  # what the codec is fed with, so that its output does not depend on how rows came in


class PartSink(Protocol):
    """Where the finished bytes of one part go. `finish` makes them durable under the part's name; `abort` removes them."""

    def write(self, data: bytes) -> None: ...

    def finish(self) -> None: ...

    def abort(self) -> None: ...


@dataclass(frozen=True)
class WrittenPart:
    """A finished part: rows, bytes as stored, bytes before compression, SHA-256 of the stored bytes."""

    name: str
    rows: int
    bytes: int
    raw_bytes: int
    sha256: str


class PartWriter:
    """Writes the parts that pieces describe. `tell_stored` is called with the size of the open part for each Drain.

    `flushing` feeds the codec with pieces as they come, for parts whose size is watched.
    """

    def __init__(
        self,
        codec: Codec,
        open_part: Callable[[str], PartSink],
        tell_stored: Callable[[int], None],
        flushing: bool,
    ) -> None:
        self.codec, self.open_part = codec, open_part
        self.tell_stored, self.flushing = tell_stored, flushing
        self._rows = self._raw_bytes = self._stored = 0

    def write(self, pieces: Iterable[Piece]) -> Iterator[WrittenPart]:
        """Each part once it is durable. An error, also one of `pieces`, aborts the part that is open."""
        pieces = iter(pieces)
        for piece in pieces:
            if not isinstance(piece, Begin):
                raise TypeError(f"a part begins with Begin, not {type(piece).__name__}")
            yield self._part(piece.name, pieces)

    def _part(self, name: str, pieces: Iterator[Piece]) -> WrittenPart:
        digest, sink = hashlib.sha256(), self.open_part(name)
        self._rows = self._raw_bytes = self._stored = 0
        try:
            for data in self.codec(self._chunks(pieces), name):
                if data:
                    digest.update(data)
                    sink.write(data)
                    self._stored += len(data)
            sink.finish()
        except BaseException as error:
            _abort(sink, error)
            raise
        return WrittenPart(name, self._rows, self._stored, self._raw_bytes, digest.hexdigest())

    def _chunks(self, pieces: Iterator[Piece]) -> Iterator[Chunk]:
        """The raw bytes of one part, in chunks of CHUNK_BYTES, or as they come while sizes are watched."""
        waiting = b""
        for piece in pieces:
            if isinstance(piece, Encoded):
                self._rows += piece.rows
                self._raw_bytes += len(piece.data)
                data = memoryview(piece.data)
                while len(waiting) + len(data) >= CHUNK_BYTES and not self.flushing:
                    missing = CHUNK_BYTES - len(waiting)
                    yield b"".join((waiting, data[:missing])) if waiting else data[:missing]
                    waiting, data = b"", data[missing:]
                waiting = b"".join((waiting, data))
            elif isinstance(piece, Begin):
                raise TypeError("a part ends before the next begins")
            else:
                if waiting:
                    yield waiting
                    waiting = b""
                if not isinstance(piece, Drain):
                    return
                self.tell_stored(self._stored)
        raise ValueError("the pieces of a part end with Finish")


def _abort(sink: PartSink, error: BaseException) -> None:
    """What stopped the part is what a person must know, not that it could not be tidied up as well."""
    try:
        sink.abort()
    except Exception as second:
        error.add_note(f"and the unfinished part could not be removed: {second}")
