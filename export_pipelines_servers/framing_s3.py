"""A gateway to a real S3 server, over TLS, that stores what it was not asked to: the frames of uploads, or other bytes."""

import http.client
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Literal

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from export_pipelines_servers.authority import authority
from export_pipelines_servers.http_server import HttpServer
from export_pipelines_servers.s3 import KEY, SECRET, S3Server

KEPT = (
    "content-type",
    "range",
    "if-none-match",
    "x-amz-meta-",
    "x-amz-storage-class",
    "x-amz-tagging",
    "x-amz-server",
)
Fault = Literal["frames", "flips", "none", "hides its MD5"]


@dataclass
class Gateway:
    """`frames`: a body in aws-chunked frames is stored as it came. `flips`: one bit of each object is another. `framed`
    counts bodies that came in frames."""

    port: int
    ca: Path
    fault: Fault = "frames"
    framed: int = 0

    @property
    def endpoint_url(self) -> str:
        return f"https://127.0.0.1:{self.port}"


@contextmanager
def framing_gateway(server: S3Server, folder: Path) -> Iterator[Gateway]:
    """In front of `server`, whose keys it signs with anew."""
    gateway = Gateway(0, authority().pem(folder))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def _pass(self) -> None:
            body = self._body()
            if "aws-chunked" in self.headers.get("Content-Encoding", ""):
                gateway.framed += 1
                body = body if gateway.fault == "frames" else _unframed(body)
            if gateway.fault == "flips" and self.command == "PUT" and body:
                body = bytes([body[0] ^ 1]) + body[1:]
            headers = {k: v for k, v in self.headers.items() if k.lower().startswith(KEPT)}
            asked = AWSRequest(self.command, f"{server.endpoint_url}{self.path}", headers, body)
            S3SigV4Auth(Credentials(KEY, SECRET), "s3", "us-east-1").add_auth(asked)
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            connection.request(self.command, self.path, body, dict(asked.headers.items()))
            answer = connection.getresponse()
            said = answer.read()
            self.send_response(answer.status)
            hidden = {"transfer-encoding", "connection", "date", "server"}
            if gateway.fault == "hides its MD5" and self.command == "HEAD":
                hidden.add("etag")
                self.send_header("ETag", '"not-an-md5"')
            for name, value in answer.getheaders():
                if name.lower() not in hidden:
                    self.send_header(name, value)
            if not answer.getheader("Content-Length"):
                self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)
            connection.close()

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    served = HttpServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority().files(folder))
    served.socket = context.wrap_socket(served.socket, server_side=True)
    gateway.port = served.server_address[1]
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    try:
        yield gateway
    finally:
        served.shutdown()
        served.server_close()


def _unframed(body: bytes) -> bytes:
    """The chunks of a body in frames, `<size in hex>;...\\r\\n<bytes>\\r\\n`, without its trailers."""
    whole, unread = b"", body
    while True:
        line, _, unread = unread.partition(b"\r\n")
        size = int(line.split(b";")[0], 16)
        if not size:
            return whole
        whole, unread = whole + unread[:size], unread[size + 2 :]
