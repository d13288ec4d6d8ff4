"""A temporary home of gpg: nothing of the user's own keyrings is read, and nothing stays."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from export_pipelines.delivery.encryption.cipher import child_environment
from export_pipelines.errors import RetryableError, SettingsError

AGENT_SOCKET = "S.gpg-agent"
AGENT_S = 20.0


def program(name: str, where: str) -> str:
    """The full path of a program of GnuPG. Raises SettingsError where it is not installed."""
    path = shutil.which(name)
    if path is None:
        raise SettingsError(
            f"the program {name} is not installed",
            where=where,
            remedy="apt-get install gnupg, or dnf install gnupg2",
        )
    return path


@contextmanager
def gpg_home(folder: Path) -> Iterator[Path]:
    """An empty home below `folder`, gone afterwards. Its path is a short one that leads there, since the sockets of gpg's
    agent lie in it and the paths of sockets hold 107 bytes."""
    with (
        tempfile.TemporaryDirectory(prefix="gpg-", dir=folder) as home,
        tempfile.TemporaryDirectory() as short,
    ):
        link = Path(short) / "h"
        link.symlink_to(Path(home).absolute())
        yield link


@contextmanager
def gpg_agent(home: Path, where: str) -> Iterator[None]:
    """gpg's agent, which holds private keys, as long as the block runs. It detaches itself, and ends with the process that it
    is started around: `cat`, which ends when this process closes its stdin, or is killed."""
    call = [program("gpg-agent", where), "--homedir", str(home), "--quiet", "--daemon", "cat"]
    process = subprocess.Popen(  # noqa: S603
        call,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=child_environment(),
    )
    try:
        _wait_for(home / AGENT_SOCKET, process, where)
        yield
    finally:
        stop = [program("gpgconf", where), "--homedir", str(home), "--kill", "gpg-agent"]
        subprocess.run(stop, env=child_environment(), capture_output=True, check=False)  # noqa: S603
        process.communicate()


def _wait_for(path: Path, process: "subprocess.Popen[bytes]", where: str) -> None:
    until = time.monotonic() + AGENT_S
    while process.poll() is None and time.monotonic() < until:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            return
        time.sleep(0.01)
    raise RetryableError("gpg's agent did not start", where=where)
