"""What keeps one caller from taking all: tokens by key and address, and the size and time of request bodies."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from export_pipelines.service.problems import Problem

MOST_NAMES = 10_000  # whose tokens are counted; the one that was quiet longest is forgotten first


class Tokens:
    """A bucket of `most` tokens for each name, filled at `per_s` in a second."""

    def __init__(self, per_s: float, most: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_s, self.most, self.clock = per_s, most, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def wait_s(self, name: str) -> float:
        """Takes a token, and gives 0; or the seconds until there is one."""
        with self._lock:
            now = self.clock()
            tokens, at = self._buckets.pop(name, (self.most, now))
            tokens = min(self.most, tokens + (now - at) * self.per_s)
            enough = tokens >= 1
            self._buckets[name] = (tokens - 1 if enough else tokens, now)
            while len(self._buckets) > MOST_NAMES:
                self._buckets.popitem(last=False)
        return 0.0 if enough else (1 - tokens) / self.per_s


def throttled(wait_s: float) -> Problem:
    after = max(1, round(wait_s + 0.5))
    return Problem(429, "throttled", "too many requests", headers={"Retry-After": str(after)})


class BodyLimits:
    """Refuses bodies of more than `most_bytes`, and those that are not there after `within_s`."""

    def __init__(self, app: ASGIApp, most_bytes: int, within_s: float) -> None:
        self.app, self.most_bytes, self.within_s = app, most_bytes, within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if length.isdigit() and int(length) > self.most_bytes:
            await _too_large(self.most_bytes).response()(scope, receive, send)
        else:
            await self.app(scope, _Body(receive, self.most_bytes, self.within_s).receive, send)


class _Body:
    """Raises Problem where the body is read."""

    def __init__(self, receive: Receive, most_bytes: int, within_s: float) -> None:
        self._receive, self._most_bytes, self._within_s = receive, most_bytes, within_s
        self._bytes, self._is_over = 0, False
        self._until: float | None = None

    async def receive(self) -> Message:
        if self._is_over:  # what follows is the end of the connection
            return await self._receive()
        self._until = self._until or time.monotonic() + self._within_s
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, self._until - time.monotonic()))
        except TimeoutError:
            detail = f"the request's body was not there after {self._within_s:g} seconds"
            raise Problem(408, "too_slow", detail, headers={"Connection": "close"}) from None
        self._bytes += len(message.get("body", b""))
        if self._bytes > self._most_bytes:
            raise _too_large(self._most_bytes)
        self._is_over = not message.get("more_body", False)
        return message


def _too_large(most_bytes: int) -> Problem:
    detail = f"a request's body has at most {most_bytes:,} bytes"
    return Problem(413, "too_large", detail, headers={"Connection": "close"})
