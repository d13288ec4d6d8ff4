"""A real Redis for the tests, with a password and without persistence: what it knows is gone when it ends."""

import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from export_pipelines_servers.ending import end, undisturbed, with_parent
from export_pipelines_servers.free_port import free_port
from export_pipelines_servers.packages import program

PASSWORD = "s3cret-broker"
START_S = 20


@dataclass
class RedisServer:
    """On an address of this machine. `stop` and `start` make one that restarts empty."""

    folder: Path
    host: str = "127.0.0.1"
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"redis://:{PASSWORD}@{self.host}:{self.port}/0"

    def start(self) -> None:
        settings = self.folder / "redis.conf"
        settings.write_text(
            f'port {self.port}\nbind {self.host}\nrequirepass {PASSWORD}\nsave ""\nappendonly no\ndir {self.folder}\n'
        )
        with (self.folder / "redis.log").open("ab") as log, undisturbed():
            self.process = subprocess.Popen(
                [program("redis-server", "redis-server"), str(settings)],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=with_parent(signal.SIGKILL),  # noqa: PLW1509
            )
        until = time.monotonic() + START_S
        while time.monotonic() < until and self.process.poll() is None:
            with suppress(OSError):
                socket.create_connection((self.host, self.port), 1).close()
                return
            time.sleep(0.05)
        raise AssertionError((self.folder / "redis.log").read_text())

    def stop(self) -> None:
        if self.process:
            end(self.process, signal.SIGKILL)
            self.process = None


@contextmanager
def redis(host: str = "127.0.0.1") -> Iterator[RedisServer]:
    with tempfile.TemporaryDirectory(prefix="export_pipelines_redis_") as folder:
        server = RedisServer(Path(folder), host)
        server.start()
        try:
            yield server
        finally:
            server.stop()
