"""known_hosts as OpenSSH reads it: the same file, the same server, the same yes or no as its own client says."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from export_pipelines.delivery.sftp.known_hosts import known_host, read_key
from export_pipelines.errors import RequestError
from export_pipelines_servers.packages import program, run
from export_pipelines_servers.receivers import OTHER_KEY, SftpReceiver
from export_pipelines_servers.ssh import openssh
from export_pipelines_tests.delivery.desk import Desk, open_entry

HERE = "[127.0.0.1]:{port}"
FILES: dict[str, tuple[str, str]] = {  # lines, with the server's KEY, and how it ends
    "its name and port": (f"{HERE} KEY", "known"),
    "among others": (f"example.com,{HERE},10.0.0.1 KEY", "known"),
    "the bare name": ("127.0.0.1 KEY", "known"),
    "another port": ("[127.0.0.1]:1 KEY", "not known"),
    "a pattern": ("[127.0.0.*]:* KEY", "known"),
    "a pattern of one letter": ("[127.0.0.?]:{port} KEY", "known"),
    "a pattern that does not fit": ("[127.0.1.*]:* KEY", "not known"),
    "any host": ("* KEY", "known"),
    "any host but this": (f"*,!{HERE} KEY", "known by the bare name"),
    "any host but this, by either name": (f"*,!{HERE},!127.0.0.1 KEY", "not known"),
    "only what it is not": ("!example.com KEY", "not known"),
    "another key": (f"{HERE} OTHER", "another one"),
    "another key, and this one": (f"{HERE} OTHER\n{HERE} KEY", "known"),
    "another key, and this one for the bare name": (f"{HERE} OTHER\n127.0.0.1 KEY", "another one"),
    "revoked": (f"@revoked {HERE} KEY", "revoked"),
    "revoked and listed": (f"{HERE} KEY\n@revoked {HERE} KEY", "revoked"),
    "revoked everywhere": (f"@revoked * KEY\n{HERE} KEY", "revoked"),
    "revoked for another host": (f"@revoked example.com KEY\n{HERE} KEY", "known"),
    "another key revoked": (f"@revoked * OTHER\n{HERE} KEY", "known"),
    "an authority": (f"@cert-authority {HERE} KEY", "not known"),
    "an unknown mark": (f"@trusted {HERE} KEY", "not known"),
    "a comment": (f"# {HERE} KEY", "not known"),
    "blanks and tabs": (f"  {HERE}\tKEY  of the file server", "known"),
    "hashed": ("HASHED", "known"),
    "hashed, another key": ("HASHED OTHER", "another one"),
    "broken lines": (f"{HERE} ssh-ed25519 AAAA!\n|1|x|y KEY\n{HERE}\n{HERE} KEY", "known"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[SftpReceiver]:
    with openssh() as made:
        yield SftpReceiver(made)


@pytest.mark.parametrize("what", FILES)
def test_a_file_means_what_it_means_to_ssh(
    desk: Desk, server: SftpReceiver, tmp_path: Path, what: str
) -> None:
    text, ends = FILES[what]
    desk.environment.update(server.environment)
    known = tmp_path / "known"
    known.write_text(filled(text, server, tmp_path) + "\n")
    assert says_ssh(server, known, tmp_path) is ends.startswith("known")
    entry = server.entry(host_key=None, known_hosts=str(known))
    if ends.startswith("known"):
        open_entry(entry, desk.resources).check()
        return
    said = {"not known": "is not known", "another one": "another one now", "revoked": "was revoked"}[ends]
    with pytest.raises(RequestError, match=said):
        open_entry(entry, desk.resources).check()


def filled(text: str, server: SftpReceiver, folder: Path) -> str:
    name = HERE.format(port=server.port)
    if text.startswith("HASHED"):
        file = folder / "hashed"
        file.write_text(f"{name} {OTHER_KEY if 'OTHER' in text else server.server.host_key}\n")
        run([program("ssh-keygen", "openssh-client"), "-q", "-H", "-f", str(file)])
        assert name not in file.read_text()
        return file.read_text().strip()
    return (
        text.replace("{port}", str(server.port))
        .replace("KEY", server.server.host_key)
        .replace("OTHER", OTHER_KEY)
    )


def says_ssh(server: SftpReceiver, known: Path, folder: Path) -> bool:
    """Whether OpenSSH's own client goes on to the login with this file."""
    key = folder / "login"
    key.write_text(server.server.key)
    key.chmod(0o600)
    options = {
        "UserKnownHostsFile": known,
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "BatchMode": "yes",
        "IdentityFile": key,
        "IdentitiesOnly": "yes",
        "UpdateHostKeys": "no",
        "Port": server.port,
    }
    given = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    words = [
        program("ssh", "openssh-client"),
        "-F",
        "/dev/null",
        *given,
        f"{server.server.user}@127.0.0.1",
        "true",
    ]
    return subprocess.run(words, capture_output=True, timeout=60, check=False).returncode == 0


def test_names_are_compared_without_case() -> None:
    assert known_host([f"SFTP.Example.com {OTHER_KEY}"], "sftp.example.COM", 22).keys == (
        read_key(OTHER_KEY),
    )


@pytest.mark.parametrize("text", ["", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-rsa " + OTHER_KEY.split()[1]])
def test_what_is_no_key_is_none(text: str) -> None:
    assert read_key(text) is None
