"""The blocks of a file on their way into a connection, never more of them in memory than the connection takes."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, BinaryIO

from starlette.types import Scope, Send
from uvicorn.protocols.utils import is_ssl

from export_pipelines.service.conditions import Answer
from export_pipelines.service.file_parts import Reading

LOOK_S = 2.0  # between looks at whether the reader may still have it
SEND_BYTES = 128 * 1024  # that wait in the connection at most
DIRECT_BYTES = 1024 * 1024  # that the kernel is asked to send at once
SEGMENTS = 16  # of sealed files that are open at a time, 1 MiB each
SEGMENT_S = 0.5  # until the segment of a slow reader makes room for another's
NOTHING = memoryview(b"")


class OpenSegment:
    """The share that one reader has in the `limit` of open segments; without one it is always free."""

    def __init__(self, limit: asyncio.Semaphore | None) -> None:
        self._limit, self._is_held = limit, False

    async def acquire(self) -> None:
        if self._limit and not self._is_held:
            await self._limit.acquire()
            self._is_held = True

    def release(self) -> None:
        if self._limit and self._is_held:
            self._limit.release()
            self._is_held = False


class FileBody:
    """Sends the blocks of one answer. `in_thread` runs what blocks, `look` raises ExportError once the reader may not have the
    file any more."""

    def __init__(
        self,
        reading: Reading,
        segment: OpenSegment,
        answer: Answer,
        in_thread: Callable[..., Awaitable[Any]],
        look: Callable[[], object],
        stalled_s: float,
    ) -> None:
        self.reading, self.segment, self.answer = reading, segment, answer
        self.in_thread, self.look, self.stalled_s = in_thread, look, stalled_s
        self.sent, self.looked_at = 0, asyncio.get_running_loop().time()
        self._block = NOTHING

    async def read(self) -> None:
        """The next block. Raises ExportError for what is not as its manifest says."""
        await self.segment.acquire()
        self._block = await self.in_thread(self.reading.read, self.answer.end)

    async def send_all(self, scope: Scope, send: Send) -> str:
        """How it ended: whole, stalled or broken. Raises ExportError for what may not be sent on. Blocks are not read ahead:
        that would be no faster, and each reader would hold twice as much."""
        connection = _Connection(scope, send)
        try:
            while self.sent < self.answer.end - self.answer.start:
                if not self._block:
                    await self.read()
                await self._send_block(connection)
                if connection.is_gone:
                    return "broken"
                await self._look()
        except TimeoutError:
            cut(scope)
            return "stalled"
        await send({"type": "http.response.body", "body": b""})
        return "whole"

    async def _send_block(self, connection: "_Connection") -> None:
        """As much of the block as the reader takes before its segment is another's; all of it to one who is not slow. Raises
        TimeoutError for one who stalls."""
        until = asyncio.get_running_loop().time() + SEGMENT_S
        await self._make_room(connection, until)
        while self._block and not connection.is_gone:
            await connection.write(self._block[:SEND_BYTES])
            self.sent += len(self._block[:SEND_BYTES])
            self._block = self._block[SEND_BYTES:] or NOTHING
            await self._make_room(connection, until)

    async def _make_room(self, connection: "_Connection", until: float) -> None:
        """Waits until a write would not wait, after `until` without a segment."""
        if not (await connection.is_drained(until) and self._block):
            self._release()
        await drained(connection.scope, self.stalled_s)

    def _release(self) -> None:
        """Gives the segment of a sealed file to another reader; what was not sent of it is opened again."""
        if self.reading.is_sealed:
            unsent, self._block = len(self._block), NOTHING
            self.reading.release(unsent)
            self.segment.release()

    async def send_directly(self, direct: "DirectSending", scope: Scope, send: Send) -> str:
        """The same for a file that was proven before: the kernel sends it from its cache."""
        at, end = self.answer.start, self.answer.end
        try:
            while at < end:
                if end - at <= DIRECT_BYTES:
                    self.reading.require_same()
                async with asyncio.timeout(self.stalled_s):
                    sent = await direct.send(at, min(DIRECT_BYTES, end - at))
                if not sent:
                    self.reading.require_same()
                    raise OSError("the file has ended")
                at += sent
                self.sent = at - self.answer.start
                await self._look()
        except TimeoutError:
            cut(scope)
            return "stalled"
        except (OSError, RuntimeError):  # the reader went away
            cut(scope)
            return "broken"
        direct.count(end - self.answer.start)
        await send({"type": "http.response.body", "body": b""})
        return "whole"

    async def _look(self) -> None:
        """Raises ExportError once the reader may not have it any more."""
        now = asyncio.get_running_loop().time()
        if now - self.looked_at > LOOK_S:
            self.looked_at = now
            await self.in_thread(self.look)


class _Connection:
    """Where a body is written to. Nothing waits in this process once it is drained: the kernel has it."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope, self._send, self._protocol = scope, send, protocol_of(scope)

    @property
    def is_gone(self) -> bool:
        return self._protocol is not None and self._protocol.transport.is_closing()

    async def write(self, block: memoryview) -> None:
        await self._send({"type": "http.response.body", "body": block, "more_body": True})

    async def is_drained(self, until: float) -> bool:
        """Whether it is by then, in the time of the event loop."""
        try:
            await drained(self.scope, until - asyncio.get_running_loop().time())
        except TimeoutError:
            return False
        return True


class DirectSending:
    """A proven file and the connection without TLS that it goes to."""

    def __init__(self, file: BinaryIO, protocol: Any) -> None:
        self.file, self.protocol = file, protocol

    @classmethod
    def of(cls, scope: Scope, reading: Reading) -> "DirectSending | None":
        """None where the bytes have to go through this process."""
        protocol = protocol_of(scope)
        file = reading.proven_file
        is_open = protocol is not None and not is_ssl(protocol.transport)
        return cls(file, protocol) if file is not None and is_open else None

    async def send(self, start: int, length: int) -> int:
        """Bytes that were sent. Raises OSError or RuntimeError where the connection has ended."""
        loop = asyncio.get_running_loop()
        return await loop.sendfile(self.protocol.transport, self.file, start, length, fallback=False)

    def count(self, length: int) -> None:
        """uvicorn counts what goes through it; this went by it."""
        self.protocol.cycle.expected_content_length -= length


def protocol_of(scope: Scope) -> Any:
    """That of the server whose connection it is; None in another server than ours."""
    return scope.get("state", {}).get("protocol")


async def drained(scope: Scope, within_s: float) -> None:
    """Waits until the kernel has all that was written to the connection, that of answers before too. Raises TimeoutError."""
    if protocol := protocol_of(scope):
        protocol.transport.set_write_buffer_limits(high=0)
        async with asyncio.timeout(within_s):
            await protocol.flow.drain()


async def drained_or_cut(scope: Scope, stalled_s: float) -> None:
    """The same, for as long as the reader takes something; who takes nothing for `stalled_s` is cut off."""
    protocol, unsent = protocol_of(scope), 0
    while protocol and (left := protocol.transport.get_write_buffer_size()):
        if left == unsent:
            cut(scope)
            return
        unsent = left
        with suppress(TimeoutError):
            await drained(scope, stalled_s)


def cut(scope: Scope) -> None:
    """Ends the connection at once: what the reader has is visibly not all."""
    if protocol := protocol_of(scope):
        protocol.transport.abort()
