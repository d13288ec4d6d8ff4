"""The HTTP server of the servers here: a client that goes away is no fault of theirs."""

import socketserver
import sys
from http.server import ThreadingHTTPServer
from typing import Any


class HttpServer(ThreadingHTTPServer):
    """Shows no traceback for a connection that ended within a request, as that of a client that is killed does."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # those of TLS among them
            super().handle_error(request, client_address)


def whole_body(handler: socketserver.StreamRequestHandler, length: int) -> bytes:
    """The body of a request. Raises ConnectionAbortedError where the client has gone away before its end."""
    body = handler.rfile.read(length)
    if len(body) < length:
        raise ConnectionAbortedError
    return body
