"""A part of an artifact as an answer of HTTP: proven against its manifest on the way, or the connection breaks."""

import asyncio
import base64
import hashlib
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, BinaryIO
from urllib.parse import quote

import anyio
import anyio.to_thread
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from export_pipelines.artifacts import Manifest, Part, Store
from export_pipelines.errors import DamagedArtifact, ExportError, RequestError
from export_pipelines.service.conditions import Answer, Representation, answer_to, http_date
from export_pipelines.service.metrics import Metrics
from export_pipelines.service.problems import Problem, problem_of

log = logging.getLogger(__name__)

BLOCK_BYTES = 512 * 1024
PROOF_BYTES = 1024 * 1024
LOOK_S = 2.0  # between looks at whether the reader may still have it
READERS = 8  # threads that read files at a time

Identity = tuple[int, ...]


@dataclass
class Proofs:
    """Parts whose bytes were held against the manifest by this process, as their files were then."""

    _proven: dict[tuple[str, str], Identity] = field(default_factory=dict)

    def holds(self, artifact: str, name: str, identity: Identity) -> bool:
        return self._proven.get((artifact, name)) == identity

    def add(self, artifact: str, name: str, identity: Identity) -> None:
        self._proven[artifact, name] = identity


@dataclass(frozen=True)
class FilePart:
    """One file of an artifact in `store`."""

    manifest: Manifest
    part: Part
    store: Store
    proofs: Proofs

    @property
    def representation(self) -> Representation:
        return Representation(f'"{self.part.sha256}"', self.manifest.created_at, self.part.bytes)

    def headers(self) -> dict[str, str]:
        """Those that are the same for all answers."""
        what = self.representation
        return {
            "ETag": what.etag,
            "Last-Modified": http_date(what.modified),
            "Accept-Ranges": "bytes",
            "Cache-Control": "private, no-cache, no-transform",
            "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(self.part.sha256)).decode()}:",
            "Content-Disposition": disposition(self.part.name),
            "Content-Type": self.manifest.media_type,
            "X-Content-Type-Options": "nosniff",
        }

    def open(self, start: int) -> "Reading":
        """Raises Problem for a file that is gone, and for one that is not as its manifest says, as far as that shows before
        all of it is read."""
        artifact, name = self.manifest.artifact, self.part.name
        try:
            stored = self.store.files(artifact).get(name)
            expected = self.part.sealed_bytes if self.part.sealed_sha256 else self.part.bytes
            if stored is None:
                raise _gone()
            if stored != expected:
                raise DamagedArtifact(
                    f"the file has {stored} bytes, not {expected}", where=f"{artifact}/{name}"
                )
            file = self.store.open(artifact, name, 0 if self._is_sealed else start)
        except RequestError:
            raise _gone() from None
        except ExportError as error:
            raise problem_of(error) from None
        identity = _identity(file)
        try:
            if self._is_sealed:
                file.seek(start)
                return Reading(self, file, start, None)
            if self.proofs.holds(artifact, name, identity):
                return Reading(self, file, start, None)
            if start == 0:
                return Reading(self, file, start, partial(self.proofs.add, artifact, name, identity))
            self._prove(file)
            self.proofs.add(artifact, name, identity)
            file.seek(start)
            return Reading(self, file, start, None)
        except BaseException:
            file.close()
            raise

    @property
    def _is_sealed(self) -> bool:
        """A sealed file proves each segment by itself."""
        return self.part.sealed_sha256 is not None

    def _prove(self, file: BinaryIO) -> None:
        digest = hashlib.sha256()
        with self.store.open(self.manifest.artifact, self.part.name) as whole:
            while block := whole.read(PROOF_BYTES):
                digest.update(block)
        if digest.hexdigest() != self.part.sha256:
            raise problem_of(_changed(self))


class Reading:
    """The bytes of a file from `start` on; the last of them only when all were proven."""

    def __init__(
        self, file_part: FilePart, file: BinaryIO, start: int, proven: Callable[[], None] | None
    ) -> None:
        self._part, self._file, self._at, self._proven = file_part, file, start, proven
        self._digest = hashlib.sha256() if proven else None

    def read(self, end: int) -> bytes:
        """The next block before `end`. Raises ExportError for what is not as its manifest says."""
        wanted = min(BLOCK_BYTES, end - self._at)
        block = self._file.read(wanted)
        self._at += len(block)
        if len(block) != wanted:
            raise _changed(self._part)
        if self._digest:
            self._digest.update(block)
            if self._at == self._part.part.bytes:
                self._prove()
        return block

    def close(self) -> None:
        self._file.close()

    def _prove(self) -> None:
        assert self._digest and self._proven
        if self._digest.hexdigest() != self._part.part.sha256:
            raise _changed(self._part)
        self._proven()


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
        try:
            block = b"" if is_empty else await in_thread(reading.read, answer.end)
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
            end = await body.send_all(block)
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
    """Sends the blocks of one answer: while one is on its way, the next is read."""

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
        self.sent = 0

    async def send_all(self, block: bytes) -> str:
        """How it ended: whole or stalled. Raises ExportError for what may not be sent on."""
        left, looked_at = self.answer.end - self.answer.start, asyncio.get_running_loop().time()
        while True:
            left -= len(block)
            following = (
                asyncio.create_task(self.in_thread(self.reading.read, self.answer.end)) if left else None
            )
            try:
                async with asyncio.timeout(self.response.stalled_s):
                    await self.send({"type": "http.response.body", "body": block, "more_body": left > 0})
            except TimeoutError:
                _cut(self.scope)
                return "stalled"
            finally:
                if following:
                    await asyncio.wait([following])
            self.sent += len(block)
            if following is None:
                return "whole"
            block = following.result()
            now = asyncio.get_running_loop().time()
            if now - looked_at > LOOK_S:
                looked_at = now
                await self.in_thread(self.response.allowed)


def _cut(scope: Scope) -> None:
    """Ends the connection at once: what the reader has is visibly not all."""
    connection = scope.get("state", {}).get("connection")
    if connection is not None:
        connection.abort()


def _limiter(scope: Scope) -> anyio.CapacityLimiter:
    state = scope["app"].state
    if not hasattr(state, "readers"):
        state.readers = anyio.CapacityLimiter(READERS)
    limiter: anyio.CapacityLimiter = state.readers
    return limiter


def _identity(file: BinaryIO) -> Identity:
    """Of the file behind a plain part; of a bucket's object, which never changes, nothing."""
    try:
        status = os.fstat(file.fileno())
    except (OSError, AttributeError):
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _changed(file_part: FilePart) -> DamagedArtifact:
    return DamagedArtifact(
        "the file is not what its manifest says",
        where=f"{file_part.manifest.artifact}/{file_part.part.name}",
        remedy="export-pipelines verify names what is wrong; run the export again",
    )


def _gone() -> Problem:
    return Problem(410, "gone", "the file is not kept any more")


def disposition(name: str) -> str:
    """Both spellings of a file's name (RFC 6266)."""
    plain = "".join(
        sign if sign.isascii() and sign.isprintable() and sign not in '"\\%' else "_" for sign in name
    )
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
