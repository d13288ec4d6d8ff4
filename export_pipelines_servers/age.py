"""Partners who use age, Debian's own program: identities, and what opens with them."""

import subprocess
from pathlib import Path

from export_pipelines_servers.packages import program, run


def new_identity(file: Path) -> str:
    """A new identity in `file`; returns its recipient, age1..."""
    run([program("age-keygen", "age"), "-o", str(file)])
    return subprocess.run(
        [program("age-keygen", "age"), "-y", str(file)], capture_output=True, text=True, check=True
    ).stdout.strip()


def new_ssh_identity(file: Path, kind: str = "ed25519") -> str:
    """The same with a key of SSH: ssh-ed25519 AAAA... comment."""
    run([program("ssh-keygen", "openssh-client"), "-q", "-t", kind, "-N", "", "-f", str(file)])
    return file.with_name(f"{file.name}.pub").read_text().strip()


def opened(identity: Path, data: bytes) -> bytes:
    """`age --decrypt`. Raises AssertionError where it does not open, or was changed."""
    done = subprocess.run(
        [program("age", "age"), "--decrypt", "-i", str(identity)],
        input=data,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout
