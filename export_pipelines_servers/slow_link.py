"""A way to a server by a link of fixed bandwidth, which all connections over it share."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

CHUNK = 4096


@dataclass
class SlowLink:
    """`port` of `host` leads to the server; `passed` are the bytes that came from it, at most so many a second."""

    host: str
    port: int
    bytes_per_second: float
    passed: int = 0
    free_at: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self, size: int) -> None:
        """Until `size` bytes have gone over the link."""
        with self.lock:
            self.passed += size
            self.free_at = max(self.free_at, time.monotonic()) + size / self.bytes_per_second
            until = self.free_at
        time.sleep(max(until - time.monotonic(), 0.0))


@contextmanager
def slow_link(host: str, port: int, bytes_per_second: float) -> Iterator[SlowLink]:
    """A link to `port` of `host`, on the same address; what is sent to the server passes at once."""
    ended = threading.Event()
    with socket.create_server((host, 0)) as listener:
        listener.settimeout(0.1)
        link = SlowLink(host, listener.getsockname()[1], bytes_per_second)

        def serve() -> None:
            while not ended.is_set():
                with suppress(TimeoutError):
                    client, _ = listener.accept()
                    server = socket.create_connection((host, port))
                    threading.Thread(target=_carry, args=(client, server, None), daemon=True).start()
                    threading.Thread(target=_carry, args=(server, client, link), daemon=True).start()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield link
        finally:
            ended.set()
            thread.join()


def _carry(sender: socket.socket, receiver: socket.socket, link: SlowLink | None) -> None:
    with suppress(OSError):
        while data := sender.recv(CHUNK):
            if link:
                link.wait(len(data))
            receiver.sendall(data)
    with suppress(OSError):
        receiver.shutdown(socket.SHUT_WR)
