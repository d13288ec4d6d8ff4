"""A way to a server that opens late, as if the server were still starting."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from export_pipelines_servers.free_port import free_port

CHUNK = 65_536


@contextmanager
def late_relay(port: int, after_s: float) -> Iterator[int]:
    """The port of a relay to `port`, on which nothing listens for `after_s` seconds."""
    mine, ended = free_port(), threading.Event()

    def serve() -> None:
        ended.wait(after_s)
        with socket.create_server(("127.0.0.1", mine)) as listener:
            listener.settimeout(0.1)
            while not ended.is_set():
                try:
                    caller, _ = listener.accept()
                except TimeoutError:
                    continue
                server = socket.create_connection(("127.0.0.1", port))
                for ends in ((caller, server), (server, caller)):
                    threading.Thread(target=_forward, args=ends, daemon=True).start()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield mine
    finally:
        ended.set()
        thread.join()


def _forward(taken: socket.socket, target: socket.socket) -> None:
    try:
        while data := taken.recv(CHUNK):
            target.sendall(data)
    except OSError:
        pass
    finally:
        target.close()
