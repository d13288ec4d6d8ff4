"""A server that takes OpenLineage's events, or does what a sick one does."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class LineageServer(ThreadingHTTPServer):
    """Keeps `events` and the headers of their requests; answers `status` after `delay_s`."""

    daemon_threads = True

    def __init__(self, status: int, delay_s: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.delay_s = status, delay_s
        self.events: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: LineageServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(self.server.delay_s)
        if self.path == "/api/v1/lineage":
            self.server.events.append(json.loads(body))
            self.server.headers.append(dict(self.headers))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def lineage_server(status: int = 201, delay_s: float = 0.0) -> Iterator[LineageServer]:
    server = LineageServer(status, delay_s)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
