"""A file as an answer of HTTP, sent block by block: what is not as its manifest says, or may not be had any more, breaks the
connection."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import anyio
import anyio.to_thread
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from export_pipelines.errors import ExportError
from export_pipelines.service.conditions import Answer, answer_to
from export_pipelines.service.file_body import SEGMENTS, DirectSending, FileBody, OpenSegment, cut, drained
from export_pipelines.service.file_parts import FilePart, Reading
from export_pipelines.service.metrics import Metrics
from export_pipelines.service.problems import Problem, problem_of

log = logging.getLogger(__name__)

REDIRECT = 307
OWN_CONDITIONS = {"if-match", "if-unmodified-since"}  # a bucket has another ETag, and a later time
READERS = 4  # threads that read files at a time


class FileResponse(Response):
    """Answers a GET or HEAD of a file. `allowed` raises ExportError once the reader may not have it any more; it is asked
    again while the file is sent. `started` is called before the first byte of a body. A reader who does not take a block
    for `stalled_s` is cut off. With `presigned_s`, a GET of what a bucket has unsealed is answered by a URL into the bucket
    that is good for so many seconds."""

    def __init__(
        self,
        file_part: FilePart,
        metrics: Metrics,
        stalled_s: float,
        allowed: Callable[[], object],
        started: Callable[[Answer], None],
        headers: Mapping[str, str] | None = None,
        presigned_s: int = 0,
    ) -> None:
        self.file_part, self.metrics, self.stalled_s = file_part, metrics, stalled_s
        self.allowed, self.started, self.more_headers = allowed, started, dict(headers or {})
        self.presigned_s = presigned_s
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
        elif not (
            self.presigned_s
            and not asked.keys() & OWN_CONDITIONS
            and await self._redirected(scope, receive, send, answer, headers)
        ):
            await self._send(scope, receive, send, answer, headers)

    async def _redirected(
        self, scope: Scope, receive: Receive, send: Send, answer: Answer, headers: Mapping[str, str]
    ) -> bool:
        """Whether the answer was a URL of the bucket. It says less than a stream: nothing stops what was begun with it."""
        if scope["method"] != "GET":
            return False
        in_thread = partial(anyio.to_thread.run_sync, limiter=_limits(scope).readers)
        try:
            url = await in_thread(self.file_part.presigned_url, self.presigned_s)
            if url:
                await in_thread(self.started, replace(answer, status=REDIRECT))
        except Problem as problem:
            await problem.response()(scope, receive, send)
            return True
        if url:
            kept = {name: headers[name] for name in ("ETag", "Repr-Digest")}
            redirect = {"Location": url, "Cache-Control": "private, no-store", **kept}
            await Response(None, REDIRECT, redirect)(scope, receive, send)
        return bool(url)

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
        limits = _limits(scope)
        in_thread = partial(anyio.to_thread.run_sync, limiter=limits.readers)
        segment = OpenSegment(limits.segments if self.file_part.is_sealed else None)
        try:
            await drained(scope, self.stalled_s)  # who does not read takes no segment from others
        except TimeoutError:
            cut(scope)
            return
        try:
            await segment.acquire()
            await self._send_opened(in_thread, segment, scope, receive, send, answer, headers)
        finally:
            segment.release()

    async def _send_opened(
        self,
        in_thread: Any,
        segment: OpenSegment,
        scope: Scope,
        receive: Receive,
        send: Send,
        answer: Answer,
        headers: Mapping[str, str],
    ) -> None:
        try:
            reading = await self._opened(in_thread, scope, answer)
        except Problem as problem:
            segment.release()
            await problem.response()(scope, receive, send)
            return
        try:
            body = FileBody(reading, segment, answer, in_thread, self.allowed, self.stalled_s)
            await self._send_from(body, in_thread, scope, receive, send, answer, headers)
        finally:
            with anyio.CancelScope(shield=True):
                await in_thread(reading.close)

    async def _opened(self, in_thread: Any, scope: Scope, answer: Answer) -> Reading:
        """Raises Problem. Proofs of whole files come one after the other, and leave the other threads to who reads."""
        opening = partial(in_thread, self.file_part.open, answer.start, answer.end)
        reading = await opening()
        if reading is None:
            await anyio.to_thread.run_sync(self.file_part.prove, limiter=_limits(scope).proofs)
            reading = await opening()
        if reading is None:
            raise self.file_part.changed()
        return reading  # type: ignore[no-any-return]

    async def _send_from(
        self,
        body: FileBody,
        in_thread: Any,
        scope: Scope,
        receive: Receive,
        send: Send,
        answer: Answer,
        headers: Mapping[str, str],
    ) -> None:
        is_empty = scope["method"] == "HEAD" or answer.start == answer.end
        direct = None if is_empty else DirectSending.of(scope, body.reading)
        try:
            if not is_empty and not direct:
                await body.read()
            if scope["method"] != "HEAD":
                await in_thread(self.started, answer)
        except ExportError as error:
            body.segment.release()
            await problem_of(error).response()(scope, receive, send)
            return
        if is_empty:
            body.segment.release()
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        if is_empty:
            await send({"type": "http.response.body", "body": b""})
            return
        self.metrics.downloading.inc()
        end = "broken"
        try:
            end = await (body.send_directly(direct, scope, send) if direct else body.send_all(scope, send))
        except ExportError as error:
            log.error(
                "download broken", extra={"code": error.code, "artifact": self.file_part.manifest.artifact}
            )
            cut(scope)
        finally:
            self.metrics.downloading.dec()
            self.metrics.downloads.labels(end).inc()
            self.metrics.downloaded.inc(body.sent)


class _Limits(NamedTuple):
    """Of threads that read files, of threads that prove whole ones, and of open segments, in this process."""

    readers: anyio.CapacityLimiter
    proofs: anyio.CapacityLimiter
    segments: asyncio.Semaphore


def _limits(scope: Scope) -> _Limits:
    state = scope["app"].state
    if not hasattr(state, "download_limits"):
        proofs = anyio.CapacityLimiter(1)
        state.download_limits = _Limits(anyio.CapacityLimiter(READERS), proofs, asyncio.Semaphore(SEGMENTS))
    limits: _Limits = state.download_limits
    return limits
