"""Real SFTP servers: OpenSSH's own, and asyncssh's, which asks for a password and can be told to fail."""

import asyncio
import getpass
import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import asyncssh

from export_pipelines_servers.free_port import free_port
from export_pipelines_servers.packages import program, run

PASSWORD = "s3cret/ssh"
START_S = 10
CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
PidFile {folder}/pid
MaxStartups 200
Subsystem sftp internal-sftp{options}
"""


@dataclass
class SshServer:
    """`root` is a folder that clients see as `path`; `fails` says what an operation answers instead."""

    port: int
    root: Path
    path: str
    user: str
    host_key: str
    key: str = ""
    password: str = ""
    fails: dict[str, Callable[[], None]] = field(default_factory=dict)

    def login(self, **settings: Any) -> dict[str, Any]:
        """The settings of a login, with its secret in the variable SSH."""
        way = {"key": {"env": "SSH"}} if self.key else {"password": {"env": "SSH"}}
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "user": self.user,
            "host_key": self.host_key,
            **way,
            **settings,
        }


@contextmanager
def openssh(port: int | None = None, options: str = "") -> Iterator[SshServer]:
    """OpenSSH's sshd for who runs this, by a key; files are reached by their full path, or over it as a jump host.
    `options` are those of sftp-server, such as ` -P remove`."""
    sshd, keygen = program("sshd", "openssh-server"), program("ssh-keygen", "openssh-client")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where sshd, as root, locks itself in
    with tempfile.TemporaryDirectory(prefix="export_pipelines_sshd_") as name:
        folder, port = Path(name), port or free_port()
        for owner in ("host", "user"):
            run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(folder / owner)])
        (folder / "config").write_text(
            CONFIG.format(port=port, folder=folder, options=options), encoding="utf-8"
        )
        (folder / "files").mkdir()
        log = (folder / "log").open("wb")
        process = subprocess.Popen([sshd, "-D", "-e", "-f", str(folder / "config")], stderr=log)
        try:
            _wait(process, port, folder / "log")
            yield SshServer(
                port=port,
                root=folder / "files",
                path=str(folder / "files"),
                user=getpass.getuser(),
                host_key=" ".join((folder / "host.pub").read_text().split()[:2]),
                key=(folder / "user").read_text(),
            )
        finally:
            process.terminate()
            process.wait()
            log.close()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(START_S * 20):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
            break
    raise AssertionError(log.read_text(errors="replace"))


@contextmanager
def asyncssh_server(
    root: Path, port: int = 0, posix_rename: bool = True, host_key: asyncssh.SSHKey | None = None
) -> Iterator[SshServer]:
    """asyncssh's server by a password, with `root` as its /; without `posix_rename` it replaces no file by a rename."""
    host_key = host_key or asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    served = SshServer(
        port=port,
        root=root,
        path="/",
        user="reader",
        host_key=" ".join(host_key.export_public_key().decode().split()[:2]),
        password=PASSWORD,
    )

    class Files(asyncssh.SFTPServer):
        def __init__(self, channel: Any) -> None:
            super().__init__(channel, chroot=os.fsencode(root))

        def _may(self, what: str) -> None:
            if what in served.fails:
                served.fails[what]()

        def write(self, file_obj: Any, offset: int, data: bytes) -> int:
            self._may("write")
            return int(super().write(file_obj, offset, data))  # type: ignore[arg-type]

        def mkdir(self, path: bytes, attrs: Any) -> None:
            self._may("mkdir")
            super().mkdir(path, attrs)

        def open(self, path: bytes, pflags: int, attrs: Any) -> Any:
            if pflags & asyncssh.FXF_WRITE:
                self._may("open")
            return super().open(path, pflags, attrs)

        def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
            if not posix_rename:
                raise asyncssh.SFTPOpUnsupported("no posix-rename here")
            self._may("rename")
            super().posix_rename(oldpath, newpath)

    class Door(asyncssh.SSHServer):
        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == (served.user, served.password)

    async def serve() -> None:
        acceptor = await asyncssh.create_server(
            Door, "127.0.0.1", served.port, server_host_keys=[host_key], sftp_factory=Files
        )
        served.port = acceptor.get_port()
        ended = asyncio.Event()
        stop.append(partial(asyncio.get_running_loop().call_soon_threadsafe, ended.set))
        ready.set()
        await ended.wait()
        acceptor.close()
        await acceptor.wait_closed()

    ready, stop = threading.Event(), list[Callable[[], object]]()
    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(START_S)
    try:
        yield served
    finally:
        stop[0]()
        thread.join(START_S)
