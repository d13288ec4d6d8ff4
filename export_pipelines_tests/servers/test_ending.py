"""The local servers of the demo leave no process behind, however they are ended, and cost nothing while nobody asks them."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from export_pipelines_servers.local import free_ports
from export_pipelines_tests.conftest import REPOSITORY

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
START_S, END_S = 60, 25
SERVERS = """
import sys
from export_pipelines_servers import __main__ as door
from export_pipelines_servers.ending import end_by_signals
from export_pipelines_servers.local import Ports

door.Ports = lambda: Ports({ports})
end_by_signals()
sys.exit(door.main(sys.argv[1:]))
"""


def members(mark: str) -> dict[int, str]:
    """Processes with `mark` in their environment, with their command; zombies are none."""
    calls = {}
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            if f"MARK={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                calls[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return calls


@contextmanager
def started(folder: Path, under_make: bool, command: str = "") -> Iterator["subprocess.Popen[bytes]"]:
    """The servers in a session of their own, by make or by themselves, once SeaweedFS takes requests."""
    ports = free_ports()
    (folder / "servers.py").write_text(SERVERS.format(ports=f"{ports.s3}, {ports.sftp}, {ports.smtp}"))
    (folder / "Makefile").write_text(f"servers:\n\t@{sys.executable} {folder / 'servers.py'} {command}\n")
    call = ["make", "-f", str(folder / "Makefile")] if under_make else [sys.executable, "servers.py"]
    environment = {
        **os.environ,
        "MARK": str(folder),
        "EXPORT_PIPELINES_HOME": str(folder),
        "PYTHONPATH": str(REPOSITORY),
    }
    process = subprocess.Popen(call, cwd=folder, env=environment, start_new_session=True)
    try:
        until = time.monotonic() + START_S
        while not (folder / "servers" / "env").exists():
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.1)
        assert any("weed" in command for command in members(str(folder)).values())
        yield process
    finally:
        for member in members(str(folder)):
            with suppress(ProcessLookupError):
                os.kill(member, signal.SIGKILL)
        process.wait()


def left(folder: Path) -> dict[int, str]:
    until = time.monotonic() + END_S
    while (processes := members(str(folder))) and time.monotonic() < until:
        time.sleep(0.1)
    return processes


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_servers_that_are_ended(tmp_path: Path, by: signal.Signals) -> None:
    with started(tmp_path, under_make=False) as process:
        process.send_signal(by)
        assert left(tmp_path) == {}
        assert process.wait() == (-by if by is signal.SIGKILL else 0)


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_make_is_ended(tmp_path: Path, by: signal.Signals) -> None:
    with started(tmp_path, under_make=True, command="sleep 600") as process:
        process.send_signal(by)
        assert left(tmp_path) == {}


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGHUP])
def test_nothing_is_left_when_the_terminal_ends_all(tmp_path: Path, by: signal.Signals) -> None:
    with started(tmp_path, under_make=True, command="sleep 600") as process:
        os.killpg(process.pid, by)
        assert left(tmp_path) == {}


def test_a_signal_that_another_thread_takes_waits_for_the_undisturbed_block(tmp_path: Path) -> None:
    """What it raised while Python forks would be lost, and no other signal would be heard."""
    program = """\
import os, signal, threading, time
from export_pipelines_servers.ending import end_by_signals, undisturbed

end_by_signals()
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
with undisturbed():
    os.kill(os.getpid(), signal.SIGTERM)
    for _ in range(100_000):
        pass
    print("whole", flush=True)
print("not ended", flush=True)
"""
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=False)
    assert (done.stdout, done.returncode) == ("whole\n", 128 + signal.SIGTERM)
