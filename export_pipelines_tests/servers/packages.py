"""Programs of the system's own packages, installed where they are missing and we may."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/lib/openssh"))


def program(name: str, package: str) -> str:
    """The full path of `name`; as root its Debian package is installed when it is missing. Raises FileNotFoundError."""
    if not shutil.which(name, path=PATH) and os.geteuid() == 0 and shutil.which("apt-get"):
        with Path(tempfile.gettempdir(), "export_pipelines_apt.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # several processes of the tests ask at once
            if not shutil.which(name, path=PATH):
                for call in (["update"], ["install", "-y", "--no-install-recommends", package]):
                    run(["apt-get", "-qq", *call], os.environ | {"DEBIAN_FRONTEND": "noninteractive"})
    found = shutil.which(name, path=PATH)
    if not found:
        raise FileNotFoundError(f"these tests need {name}: apt-get install {package}")
    return found


def run(call: list[str], environment: dict[str, str] | None = None) -> None:
    """Runs a program to its end; what it said is told when it failed."""
    done = subprocess.run(
        call, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
