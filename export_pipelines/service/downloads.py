"""A file as an answer of HTTP, sent block by block: what is not as its manifest says, or may not be had any more, breaks the
connection."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, BinaryIO

import anyio
import anyio.to_thread
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.utils import is_ssl

from export_pipelines.errors import ExportError
from export_pipelines.service.conditions import Answer, answer_to
from export_pipelines.service.file_parts import FilePart, Reading
from export_pipelines.service.metrics import Metrics
from export_pipelines.service.problems import Problem, problem_of

log = logging.getLogger(__name__)

LOOK_S = 2.0  # between looks at whether the reader may still have it
READERS = 4  # threads that read files at a time
SEND_BYTES = 128 * 1024  # that wait in the connection at most
DIRECT_BYTES = 1024 * 1024  # that the kernel is asked to send at once


class FileResponse(Response):
    """Answers a GET or HEAD of a file. `allowed` raises ExportError once the reader may not have it any more; it is asked
    again while the file is sent. `started` is called before the first byte of a body. A reader who does not take a block
    for `stalled_s` is cut off."""

    def __init__(
        self,
        file_part: FilePart,
        metrics: Metrics,
        stalled_s: float,
        allowed: Callable[[], object],
        started: Callable[[Answer], None],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.file_part, self.metrics, self.stalled_s = file_part, metrics, stalled_s
        self.allowed, self.started, self.more_headers = allowed, started, dict(headers or {})
        self.background, self.status_code = None, 200

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        answer = answer_to(scope["method"], asked, self.file_part.representation)
        headers = {**self.file_part.headers(), **self.more_headers}
        if answer.status in (412, 416):
            await self._refused(answer, headers)(scope, receive, send)
        elif answer.status == 304:
            kept = ("ETag", "Cache-Control", "Last-Modified", "Repr-Digest")
            await Response(None, 304, {name: headers[name] for name in kept})(scope, receive, send)
        else:
            await self._send(scope, receive, send, answer, headers)

    def _refused(self, answer: Answer, headers: Mapping[str, str]) -> Response:
        size = self.file_part.part.bytes
        if answer.status == 412:
            return Problem(
                412, "changed", "the file is another one", headers={"ETag": headers["ETag"]}
            ).response()
        detail = f"the file has {size} bytes"
        return Problem(416, "range", detail, headers={"Content-Range": f"bytes */{size}"}).response()

    async def _send(
        self, scope: Scope, receive: Receive, send: Send, answer: Answer, headers: dict[str, str]
    ) -> None:
        headers["Content-Length"] = str(answer.end - answer.start)
        if answer.status == 206:
            headers["Content-Range"] = f"bytes {answer.start}-{answer.end - 1}/{self.file_part.part.bytes}"
        limiter = _limiter(scope)
        in_thread = partial(anyio.to_thread.run_sync, limiter=limiter)
        try:
            reading = await in_thread(self.file_part.open, answer.start)
        except Problem as problem:
            await problem.response()(scope, receive, send)
            return
        try:
            await self._send_from(reading, in_thread, scope, receive, send, answer, headers)
        finally:
            with anyio.CancelScope(shield=True):
                await in_thread(reading.close)

    async def _send_from(
        self,
        reading: Reading,
        in_thread: Any,
        scope: Scope,
        receive: Receive,
        send: Send,
        answer: Answer,
        headers: Mapping[str, str],
    ) -> None:
        is_empty = scope["method"] == "HEAD" or answer.start == answer.end
        direct = None if is_empty else _Direct.of(scope, reading)
        try:
            block = memoryview(b"") if is_empty or direct else await in_thread(reading.read, answer.end)
            if scope["method"] != "HEAD":
                await in_thread(self.started, answer)
        except ExportError as error:
            await problem_of(error).response()(scope, receive, send)
            return
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        if is_empty:
            await send({"type": "http.response.body", "body": b""})
            return
        body = _Body(self, reading, in_thread, scope, send, answer)
        self.metrics.downloading.inc()
        end = "broken"
        try:
            end = await (body.send_directly(direct) if direct else body.send_all(block))
        except ExportError as error:
            log.error(
                "download broken", extra={"code": error.code, "artifact": self.file_part.manifest.artifact}
            )
            _cut(scope)
        finally:
            self.metrics.downloading.dec()
            self.metrics.downloads.labels(end).inc()
            self.metrics.downloaded.inc(body.sent)


class _Body:
    """Sends the blocks of one answer."""

    def __init__(
        self,
        response: FileResponse,
        reading: Reading,
        in_thread: Any,
        scope: Scope,
        send: Send,
        answer: Answer,
    ) -> None:
        self.response, self.reading, self.in_thread = response, reading, in_thread
        self.scope, self.send, self.answer = scope, send, answer
        self.sent, self.looked_at = 0, asyncio.get_running_loop().time()

    async def send_all(self, block: memoryview) -> str:
        """How it ended: whole, stalled or broken. Raises ExportError for what may not be sent on. Blocks are not read ahead:
        that would be no faster, and each reader would hold twice as much."""
        left = self.answer.end - self.answer.start
        while True:
            for start in range(0, len(block), SEND_BYTES):
                piece = block[start : start + SEND_BYTES]
                left -= len(piece)
                try:
                    async with asyncio.timeout(self.response.stalled_s):
                        await self.send({"type": "http.response.body", "body": piece, "more_body": left > 0})
                except TimeoutError:
                    _cut(self.scope)
                    return "stalled"
                if _is_gone(self.scope) and left:
                    return "broken"
                self.sent += len(piece)
            if not left:
                return "whole"
            await self._look()
            block = piece = memoryview(b"")  # nothing holds what was sent while the next is read
            block = await self.in_thread(self.reading.read, self.answer.end)

    async def send_directly(self, direct: "_Direct") -> str:
        """The same for a file that was proven before: the kernel sends it from its cache."""
        at, end = self.answer.start, self.answer.end
        try:
            while at < end:
                if end - at <= DIRECT_BYTES:
                    self.reading.require_same()
                async with asyncio.timeout(self.response.stalled_s):
                    at += await direct.send(at, min(DIRECT_BYTES, end - at))
                self.sent = at - self.answer.start
                await self._look()
        except TimeoutError:
            _cut(self.scope)
            return "stalled"
        except (OSError, RuntimeError):  # the reader went away
            _cut(self.scope)
            return "broken"
        direct.sent(end - self.answer.start)
        await self.send({"type": "http.response.body", "body": b""})
        return "whole"

    async def _look(self) -> None:
        """Raises ExportError once the reader may not have it any more."""
        now = asyncio.get_running_loop().time()
        if now - self.looked_at > LOOK_S:
            self.looked_at = now
            await self.in_thread(self.response.allowed)


class _Direct:
    """A proven file and the connection without TLS that it goes to."""

    def __init__(self, file: BinaryIO, protocol: Any) -> None:
        self.file, self.protocol = file, protocol

    @classmethod
    def of(cls, scope: Scope, reading: Reading) -> "_Direct | None":
        """None where the bytes have to go through this process."""
        protocol = scope.get("state", {}).get("protocol")
        file = reading.proven_file
        is_open = protocol is not None and not is_ssl(protocol.transport)
        return cls(file, protocol) if file is not None and is_open else None

    async def send(self, start: int, length: int) -> int:
        """Bytes that were sent. Raises OSError or RuntimeError where the connection has ended."""
        loop = asyncio.get_running_loop()
        return await loop.sendfile(self.protocol.transport, self.file, start, length, fallback=False)

    def sent(self, length: int) -> None:
        """uvicorn counts what goes through it; this went by it."""
        self.protocol.cycle.expected_content_length -= length


def _cut(scope: Scope) -> None:
    """Ends the connection at once: what the reader has is visibly not all."""
    if protocol := scope.get("state", {}).get("protocol"):
        protocol.transport.abort()


def _is_gone(scope: Scope) -> bool:
    protocol = scope.get("state", {}).get("protocol")
    return protocol is not None and protocol.transport.is_closing()


def _limiter(scope: Scope) -> anyio.CapacityLimiter:
    state = scope["app"].state
    if not hasattr(state, "readers"):
        state.readers = anyio.CapacityLimiter(READERS)
    limiter: anyio.CapacityLimiter = state.readers
    return limiter
