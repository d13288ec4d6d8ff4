"""The folder of an SFTP server, of OpenSSH or asyncssh."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export_pipelines_servers.receivers.contract import Entry
from export_pipelines_servers.ssh import SshServer, asyncssh_server, openssh

OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKVMkZ1IuYNRZLhHOkMe8MRFBMzJ1mZJg1tlCFYb6hYz"


@dataclass
class SftpReceiver:
    server: SshServer

    @property
    def port(self) -> int:
        return self.server.port

    def through(self, port: int, **settings: Any) -> Entry:
        return self.entry(port=port, **settings)

    def times(self, files: Mapping[str, bytes]) -> int:
        """A second copy would stand under another name."""
        return 1 if set(self.arrived()) == {*files, "daily.manifest.json"} else 2

    def clear(self) -> None:
        shutil.rmtree(self.server.root / "in", ignore_errors=True)

    @property
    def environment(self) -> Mapping[str, str]:
        return {"SSH": self.server.key or self.server.password, "WRONG": "wrong-password"}

    def entry(self, **settings: Any) -> Entry:
        path = f"{self.server.path}/in/".removeprefix("//")
        return {"kind": "sftp", "settings": {**self.server.login(), "path": path, **settings}}

    def arrived(self) -> dict[str, bytes]:
        files = [path for path in (self.server.root / "in").glob("*") if not path.name.startswith(".")]
        return {path.name: path.read_bytes() for path in sorted(files)}

    def debris(self) -> list[str]:
        return [path.name for path in self.server.root.rglob(".*")]

    def refused(self) -> dict[str, Entry]:
        (self.server.root / "file").write_text("x")
        path = self.entry()["settings"]["path"]
        return {
            "an unknown host key": self.entry(host_key=None, known_hosts="none"),
            "another host key": self.entry(host_key=OTHER_KEY),
            "a wrong password": self.entry(password={"env": "WRONG"}, key=None),
            "a variable that is not set": self.entry(password={"env": "UNSET"}, key=None),
            "a file in the way": self.entry(path=f"{path[:-3]}file/in/"),
        }


@contextmanager
def openssh_receiver(tmp: Path) -> Iterator[SftpReceiver]:
    with openssh() as server:
        yield SftpReceiver(server)


@contextmanager
def asyncssh_receiver(tmp: Path) -> Iterator[SftpReceiver]:
    (tmp / "receiver").mkdir()
    with asyncssh_server(tmp / "receiver") as server:
        yield SftpReceiver(server)
