"""Programs of the system's own packages, installed where they are missing and we may."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from pathlib import Path

PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/lib/openssh"))
WAIT_S, AGAIN_S = 900, 2  # for another process that installs packages, such as unattended-upgrades
LOCKED = ("Could not get lock", "Unable to lock", "Unable to acquire")


def program(name: str, package: str) -> str:
    """The full path of `name`; as root its Debian package is installed when it is missing. Raises FileNotFoundError."""
    may_install = os.geteuid() == 0 and shutil.which("apt-get")
    if may_install and not _is_ready(name, package):
        with Path(tempfile.gettempdir(), "export_pipelines_apt.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # several processes of the tests ask at once
            if not _is_ready(name, package):
                apt_get("update")
                apt_get("install", "-y", "--no-install-recommends", package)
    path = shutil.which(name, path=PATH)
    if not path:
        raise FileNotFoundError(f"these tests need {name}: apt-get install {package}")
    return path


def unpacked_program(name: str, package: str) -> str:
    """The full path of `name`, out of its Debian package, which is not installed: that would start a server on this machine.
    Raises FileNotFoundError where there is no apt-get."""
    path = shutil.which(name, path=PATH)
    if path:
        return path
    if not shutil.which("apt-get"):
        raise FileNotFoundError(f"these tests need {name}: apt-get install {package}")
    folder = Path(tempfile.gettempdir(), f"export_pipelines_{package}")
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / name).exists():
            _unpack(name, package, folder)
    return str(folder / name)


def separate_program(name: str, *packages: str) -> str:
    """The full path of a program out of Python packages that cannot be installed beside ours: in an environment of its own, within
    this one. Raises CalledProcessError where they cannot be had."""
    folder = Path(sys.prefix, "separate", name)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "bin" / name
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            venv.create(folder, with_pip=True)
            run([str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", *packages])
    return str(path)


def _unpack(name: str, package: str, folder: Path) -> None:
    download = ["apt-get", "-qq", "download", package]
    if _done(download, dict(os.environ), folder).returncode != 0:
        apt_get("update")
        run(download, folder=folder)
    (archive,) = folder.glob("*.deb")
    member = f"./usr/bin/{name}"
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE) as files:
        subprocess.run(["tar", "-x", "-C", folder, member], stdin=files.stdout, check=True)
    archive.unlink()
    (folder / member).rename(folder / name)


def _is_ready(name: str, package: str) -> bool:
    """Whether the program is there, and its package not still being set up: its user may be missing until then."""
    if not shutil.which(name, path=PATH):
        return False
    state = _done(["dpkg-query", "-W", "-f", "${db:Status-Status}", package], dict(os.environ))
    return state.returncode != 0 or state.stdout in ("installed", "not-installed", "config-files")


def apt_get(*call: str, options: Sequence[str] = (), wait_s: float = WAIT_S) -> None:
    """Runs apt-get; where another process holds a lock of the package manager, waits for it, and says so. apt itself waits
    for the lock of dpkg, but not for the one of its lists. Raises TimeoutError when the lock is not given back."""
    settings = [f"DPkg::Lock::Timeout={wait_s:.0f}", *options]
    command = ["apt-get", "-qq", *(word for setting in settings for word in ("-o", setting)), *call]
    until, is_announced = time.monotonic() + wait_s, False
    while True:
        done = _done(command, os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"})
        lock = next((line for line in done.stdout.splitlines() if any(word in line for word in LOCKED)), None)
        if done.returncode == 0 or lock is None:
            assert done.returncode == 0, done.stdout
            return
        if time.monotonic() > until:
            raise TimeoutError(
                f"another process has held the package manager's lock for {wait_s:.0f} s ({lock}); let it end, or run: "
                f"apt-get {' '.join(call)}"
            )
        if not is_announced:
            sys.stderr.write(f"waiting up to {wait_s:.0f} s for the package manager's lock: {lock}\n")
            is_announced = True
        time.sleep(AGAIN_S)


def run(call: list[str], environment: dict[str, str] | None = None, folder: Path | None = None) -> None:
    """Runs a program to its end; what it said is told when it failed."""
    done = _done(call, environment, folder)
    assert done.returncode == 0, done.stdout


def _done(
    call: list[str], environment: dict[str, str] | None, folder: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        call,
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
