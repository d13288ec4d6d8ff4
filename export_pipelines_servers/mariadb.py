"""A real MariaDB for the tests: the system's own server, installed where it is missing; it ends with the tests."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from export_pipelines_servers.free_port import free_port
from export_pipelines_servers.packages import PATH, program, run

PACKAGE = "mariadb-server"
SERVER, INSTALL = "mariadbd", "mariadb-install-db"
USER, PASSWORD, DATABASE = "tester", "s3cret&word", "tests"
# nothing here outlives a power cut, and the names of users are compared without asking a resolver
FAST = (
    "--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--innodb-doublewrite=0",
    "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=64M", "--skip-log-bin",
    "--skip-name-resolve", "--lock-wait-timeout=20", "--performance-schema=OFF",
)  # fmt: skip
# by which a server tells which rows were written
BINLOG = (
    "--log-bin=binlog", "--server-id=1", "--binlog-format=ROW", "--binlog-row-image=FULL",
    "--binlog-row-metadata=FULL",
)  # fmt: skip
START_S = 30


@contextmanager
def mariadb(*options: str) -> Iterator[str]:
    """The URL of a new server's database, for a user who may do everything; `options` go to the server, too."""
    server, install = program(SERVER, PACKAGE), program(INSTALL, PACKAGE)
    with tempfile.TemporaryDirectory(prefix="export_pipelines_maria_") as name:
        folder = Path(name)
        data, port, first = folder / "data", free_port(), folder / "first.sql"
        user: list[str] = []
        if os.geteuid() == 0:  # MariaDB refuses to run as root
            shutil.chown(folder, "mysql", "mysql")
            user = ["--user=mysql"]
        _make_data(install, data, user)
        first.write_text(_users(), encoding="utf-8")
        first.chmod(0o644)
        log = folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [
                    server, "--no-defaults", *user, f"--datadir={data}", f"--port={port}",
                    "--bind-address=127.0.0.1", f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}",
                    f"--tmpdir={folder}", f"--init-file={first}", "--character-set-server=utf8mb4", *FAST, *options,
                ],
                stdout=output, stderr=output, cwd=folder,
            )  # fmt: skip
        try:
            _wait(process, folder / "pid", log)
            yield f"mariadb://{USER}:{PASSWORD.replace('&', '%26')}@127.0.0.1:{port}/{DATABASE}"
        finally:
            process.kill()
            process.wait()


def _make_data(install: str, data: Path, user: list[str]) -> None:
    run(
        # a folder of its own for what is temporary: several servers are made at once, under the same names
        [install, "--no-defaults", *user, f"--datadir={data}", f"--tmpdir={data.parent}", "--skip-test-db",
         "--auth-root-authentication-method=normal"],
        os.environ | {"PATH": PATH},
    )  # fmt: skip


def _users() -> str:
    return (
        f"CREATE DATABASE {DATABASE};\nCREATE USER '{USER}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
        f"GRANT ALL ON *.* TO '{USER}'@'127.0.0.1' WITH GRANT OPTION;\n"
    )


def _wait(process: subprocess.Popen[bytes], pid: Path, log: Path) -> None:
    """Until the server listens; its file of the process id is written just before that."""
    for _ in range(START_S * 20):
        text = log.read_text(encoding="utf-8", errors="replace")
        if pid.exists() and "ready for connections" in text:
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
            break
    raise AssertionError(log.read_text(encoding="utf-8", errors="replace"))
