"""The package manager's locks: while another process holds one, installing waits, and says so."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from export_pipelines_servers import packages
from export_pipelines_servers.packages import apt_get

HOLD = """
import fcntl, sys, time
with open(sys.argv[1], "w") as lock:
    fcntl.lockf(lock, fcntl.LOCK_EX)
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""
pytestmark = pytest.mark.skipif(not shutil.which("apt-get"), reason="no system with apt")


@contextmanager
def locked(lock: Path, seconds: float) -> Iterator[None]:
    """The lock in another process, as apt takes it."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock), str(seconds)], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout and holder.stdout.readline() == b"held\n"
        yield
        holder.kill()


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """A folder of lists apart from the system's."""
    (tmp_path / "lists").mkdir()
    return tmp_path / "lists"


def update(lists: Path, wait_s: float) -> None:
    nowhere = [f"Dir::Etc::source{kind}=/dev/null" for kind in ("list", "parts")]
    apt_get("update", options=[f"Dir::State::lists={lists}", *nowhere], wait_s=wait_s)


def test_a_lock_of_the_lists_is_waited_for(
    lists: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "AGAIN_S", 0.2)
    before = time.monotonic()
    with locked(lists / "lock", 1.5):
        update(lists, 120)
    assert time.monotonic() - before > 1
    assert (
        "waiting up to 120 s for the package manager's lock: E: Could not get lock" in capfd.readouterr().err
    )


def test_a_lock_that_is_not_given_back_is_told_with_what_to_do(lists: Path) -> None:
    with (
        locked(lists / "lock", 600),
        pytest.raises(TimeoutError, match=r"lock for 1 s .*; let it end, or run: apt-get update"),
    ):
        update(lists, 1)


def test_any_other_fault_is_told_at_once() -> None:
    with pytest.raises(AssertionError, match="Invalid operation"):
        apt_get("no-such-word")
