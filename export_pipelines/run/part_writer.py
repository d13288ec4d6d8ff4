"""The last thread: bytes of a part are compressed, hashed and handed to the store, one part after the other."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from export_pipelines.encode.compress import Chunk, Codec
from export_pipelines.run.channel import Channel, Stopped

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


@dataclass(frozen=True)
class Begin:
    name: str


@dataclass(frozen=True)
class Drain:
    """Asks that all before it be compressed and stored; `done` is set then."""

    done: threading.Event


@dataclass(frozen=True)
class Finish:
    rows: int


Command = Begin | bytes | Drain | Finish | None  # None: there are no more parts


class PartWriter:
    """Executes the commands of `commands` until None; `stored` is the size of the part being written."""

    def __init__(
        self, commands: Channel[Command], codec: Codec, open_part: Callable[[str], PartSink], flushing: bool
    ) -> None:
        self.commands, self.codec, self.open_part, self.flushing = commands, codec, open_part, flushing
        self.parts: list[WrittenPart] = []
        self.stored = 0
        self.seconds = 0.0  # busy, not waiting
        self._waited = 0.0
        self._rows = self._raw_bytes = 0

    def run(self) -> None:
        while True:
            command = self.commands.get()
            if command is None:
                return
            if not isinstance(command, Begin):
                raise TypeError(f"a part begins with Begin, not {command!r}")
            self._write(command.name)

    def _write(self, name: str) -> None:
        digest, sink = hashlib.sha256(), self.open_part(name)
        started, self._waited, self.stored = time.perf_counter(), 0.0, 0
        try:
            for data in self.codec(self._chunks(), name):
                if data:
                    digest.update(data)
                    sink.write(data)
                    self.stored += len(data)
            sink.finish()
        except BaseException as error:
            _abort(sink, error)
            raise
        self.seconds += time.perf_counter() - started - self._waited
        self.parts.append(WrittenPart(name, self._rows, self.stored, self._raw_bytes, digest.hexdigest()))

    def _chunks(self) -> Iterator[Chunk]:
        """The raw bytes of one part, in chunks of CHUNK_BYTES, or as they come while sizes are watched."""
        waiting = b""
        self._raw_bytes = 0
        while True:
            before = time.perf_counter()
            command = self.commands.get()
            self._waited += time.perf_counter() - before
            if isinstance(command, bytes):
                self._raw_bytes += len(command)
                data = memoryview(command)
                while len(waiting) + len(data) >= CHUNK_BYTES and not self.flushing:
                    missing = CHUNK_BYTES - len(waiting)
                    yield b"".join((waiting, data[:missing])) if waiting else data[:missing]
                    waiting, data = b"", data[missing:]
                waiting = b"".join((waiting, data))
            elif isinstance(command, Drain):
                if waiting:
                    yield waiting
                    waiting = b""
                command.done.set()
            elif isinstance(command, Finish):
                self._rows = command.rows
                if waiting:
                    yield waiting
                return
            else:
                raise Stopped


def _abort(sink: PartSink, error: BaseException) -> None:
    """What stopped the part is what a person must know, not that it could not be tidied up as well."""
    try:
        sink.abort()
    except Exception as second:
        error.add_note(f"and the unfinished part could not be removed: {second}")
