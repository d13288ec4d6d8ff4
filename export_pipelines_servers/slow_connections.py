"""A way to a server over links of their own: each connection gets so many bytes a second from it, and every answer late."""

import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CHUNK = 65_536


@contextmanager
def slow_connections(server_port: int, bytes_per_s: float, latency_s: float = 0.0) -> Iterator[int]:
    """The port of a proxy in front of the server on `server_port`; `latency_s` is that of a whole turn."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)

        def serve() -> None:
            while not ended.is_set():
                with suppress(TimeoutError):
                    client, _ = listener.accept()
                    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    server = socket.create_connection(("127.0.0.1", server_port))
                    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    for taken, target, rate in ((client, server, None), (server, client, bytes_per_s)):
                        link = _Link(taken, target, rate, latency_s / 2)
                        threading.Thread(target=link.take, daemon=True).start()
                        threading.Thread(target=link.hand_over, daemon=True).start()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            ended.set()
            thread.join()


class _Link:
    """One direction: what was taken is on its way for a time, and as much of it as the rate moves in that time."""

    def __init__(
        self, taken: socket.socket, target: socket.socket, rate: float | None, late_s: float
    ) -> None:
        self._taken, self._target, self._rate, self._late_s = taken, target, rate, late_s
        self._most = CHUNK + int((rate or 0) * late_s)
        self._way: deque[tuple[float, bytes]] = deque()
        self._bytes = 0
        self._changed = threading.Condition()

    def take(self) -> None:
        with suppress(OSError):
            while data := self._taken.recv(CHUNK):
                self._put(data)
        self._put(b"")

    def hand_over(self) -> None:
        free_at = 0.0
        with suppress(OSError):
            while True:
                arrives, data = self._next()
                start = max(arrives, free_at)
                free_at = start + (len(data) / self._rate if self._rate else 0)
                time.sleep(max(0.0, free_at - time.monotonic()))
                if not data:
                    break
                self._target.sendall(data)
        with suppress(OSError):
            self._target.shutdown(socket.SHUT_WR)

    def _put(self, data: bytes) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._bytes <= self._most)
            self._way.append((time.monotonic() + self._late_s, data))
            self._bytes += len(data)
            self._changed.notify_all()

    def _next(self) -> tuple[float, bytes]:
        with self._changed:
            self._changed.wait_for(lambda: bool(self._way))
            arrives, data = self._way.popleft()
            self._bytes -= len(data)
            self._changed.notify_all()
            return arrives, data
