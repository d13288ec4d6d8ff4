"""A real HTTPS server that takes what is posted, and drops what it has by its idempotency key, as receivers should."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from export_pipelines_servers.authority import authority
from export_pipelines_servers.http_server import HttpServer

# An operator's allowed.yaml that opens this machine to webhooks, and leaves all else to exports.
OPENED = """\
variables: ["*"]
files: ["/**"]
hosts: ["*"]
buckets: ["*"]
mail_domains: ["*"]
private_networks: [127.0.0.0/8, "::1"]
"""


@dataclass(frozen=True)
class Posted:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Inbox:
    """`posted` is what the server took, each key once; `answers` is what it says next instead: code and headers."""

    port: int = 0
    posted: dict[str, Posted] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    silent_once: bool = False  # takes the next one and closes without an answer

    def url(self, path: str = "/in") -> str:
        return f"https://localhost:{self.port}{path}"


def _handler(inbox: Inbox) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_OPTIONS(self) -> None:
            inbox.asked.append("OPTIONS")
            self._answer(*(inbox.answers.pop(0) if inbox.answers else (204, {})))

        def do_POST(self) -> None:
            inbox.asked.append("POST")
            size = int(self.headers["Content-Length"])
            body = self.rfile.read(size)
            if len(body) != size:
                return  # cut off: nothing was posted
            if inbox.answers:
                self._answer(*inbox.answers.pop(0))
                return
            key = self.headers["Idempotency-Key"] or str(len(inbox.posted))
            inbox.posted.setdefault(
                key, Posted(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            )
            if inbox.silent_once:
                inbox.silent_once = False
                self.close_connection = True
                return
            self._answer(200, {})

        def _answer(self, code: int, headers: dict[str, str]) -> None:
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    return Handler


@contextmanager
def https_server(client_ca: Any = None) -> Iterator[Inbox]:
    """With `client_ca`, an authority, only clients with a certificate of its making are let in."""
    inbox = Inbox()
    server = HttpServer(("127.0.0.1", 0), _handler(inbox))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority().certificate("localhost").configure_cert(context)
    if client_ca is not None:
        client_ca.ca.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    inbox.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield inbox
    finally:
        server.shutdown()
        server.server_close()
