"""An SFTP server, on paramiko's, that answers as some servers do: no sizes, or "permission denied" of what is not there."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import paramiko
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED
from paramiko.sftp import SFTP_FAILURE, SFTP_NO_SUCH_FILE, SFTP_OK, SFTP_PERMISSION_DENIED

from export_pipelines_servers.ssh import PASSWORD, SshServer


@dataclass
class Oddities:
    """`sizes`: whether STAT tells them. `denies_missing`: what is not there is denied, not missing. `denied`: requests that
    are refused whatever they are about; `spoils`: as many bytes are kept as came, but others; `refused_close`: so
    many written files are taken when they are closed, then one is refused with all its bytes there, and none if it is
    negative; `asked`: every request that came."""

    sizes: bool = True
    denies_missing: bool = False
    denied: frozenset[str] = frozenset()
    spoils: bool = False
    refused_close: int = -1
    asked: list[str] = field(default_factory=list)


@contextmanager
def odd_sftp(root: Path, odd: Oddities) -> Iterator[SshServer]:
    """The server on loopback, by a password, with `root` as its /."""
    key = paramiko.ECDSAKey.generate()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        ended = threading.Event()

        def serve() -> None:
            transports = []
            while not ended.is_set():
                with suppress(TimeoutError, EOFError, paramiko.SSHException):
                    client, _ = listener.accept()
                    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    transport = paramiko.Transport(client)
                    transport.add_server_key(key)
                    transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, root, odd)
                    transport.start_server(server=_Door())
                    transports.append(transport)
            for transport in transports:
                transport.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield SshServer(
                port=listener.getsockname()[1],
                root=root,
                path="/",
                user="reader",
                host_key=f"{key.get_name()} {key.get_base64()}",
                password=PASSWORD,
            )
        finally:
            ended.set()
            thread.join()


class _Door(paramiko.ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        return AUTH_SUCCESSFUL if password == PASSWORD else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED

    def get_allowed_auths(self, username: str) -> str:
        return "password"


class _Handle(paramiko.SFTPHandle):
    def __init__(self, flags: int, files: "_Files", file: BinaryIO) -> None:
        super().__init__(flags)
        self.files, self.file = files, file

    def stat(self) -> Any:
        return self.files.attributes(os.fstat(self.file.fileno()))

    def read(self, offset: int, length: int) -> Any:
        return os.pread(self.file.fileno(), length, offset)

    def write(self, offset: int, data: Any) -> int:
        os.pwrite(self.file.fileno(), data[::-1] if self.files.odd.spoils else data, offset)
        return SFTP_OK

    def close(self) -> None:
        """What it raises is a failure to the client."""
        self.file.close()
        if self.file.mode != "rb":
            self.files.odd.refused_close -= 1
            if self.files.odd.refused_close == -1:
                raise OSError


class _Files(paramiko.SFTPServerInterface):
    def __init__(self, server: Any, root: Path, odd: Oddities) -> None:
        super().__init__(server)
        self.root, self.odd = root, odd

    def attributes(self, status: os.stat_result, name: str | None = None) -> paramiko.SFTPAttributes:
        attributes = paramiko.SFTPAttributes.from_stat(status, name)
        if not self.odd.sizes:
            attributes.st_size = None
        return attributes

    def _local(self, path: str) -> Path:
        return self.root / self.canonicalize(path).lstrip("/")

    def _do(self, what: str, work: Any) -> Any:
        self.odd.asked.append(what)
        if what in self.odd.denied:
            return SFTP_PERMISSION_DENIED
        try:
            done = work()
        except FileNotFoundError:
            return SFTP_PERMISSION_DENIED if self.odd.denies_missing else SFTP_NO_SUCH_FILE
        except OSError:
            return SFTP_FAILURE
        return SFTP_OK if done is None else done

    def list_folder(self, path: str) -> Any:
        folder = self._local(path)
        return self._do(
            "list", lambda: [self.attributes(file.stat(), file.name) for file in folder.iterdir()]
        )

    def stat(self, path: str) -> Any:
        return self._do("stat", lambda: self.attributes(self._local(path).stat()))

    lstat = stat

    def open(self, path: str, flags: int, attr: Any) -> Any:
        def work() -> _Handle:
            descriptor = os.open(self._local(path), flags, 0o600)
            return _Handle(flags, self, os.fdopen(descriptor, "r+b" if flags & 3 else "rb", 0))

        return self._do("open" if flags & 3 else "read", work)

    def remove(self, path: str) -> Any:
        return self._do("remove", lambda: self._local(path).unlink())

    def rename(self, oldpath: str, newpath: str) -> Any:
        def work() -> None:
            if self._local(newpath).exists():
                raise OSError
            self._local(oldpath).rename(self._local(newpath))

        return self._do("rename", work)

    def posix_rename(self, oldpath: str, newpath: str) -> Any:
        def work() -> None:
            self._local(oldpath).replace(self._local(newpath))

        return self._do("rename", work)

    def mkdir(self, path: str, attr: Any) -> Any:
        return self._do("mkdir", lambda: self._local(path).mkdir())
