"""Whether a port can be listened on, before anything is started that would listen on it."""

import errno
import socket
from contextlib import suppress

from export_pipelines.errors import SettingsError


def require_free(host: str, port: int, remedy: str) -> None:
    """Raises SettingsError where another program listens on the port, or this user may not; 0 is any port."""
    addresses = []
    with suppress(OSError):  # of a name that is not known: who listens says it
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for family, _, _, _, address in addresses:
        try:
            socket.create_server(address, family=family).close()
        except OSError as error:
            if error.errno in _FAULTS:
                raise SettingsError(_FAULTS[error.errno], where=f"{host}:{port}", remedy=remedy) from error


_FAULTS = {
    errno.EADDRINUSE: "another program listens on this port",
    errno.EACCES: "this user may not listen on this port",
}
