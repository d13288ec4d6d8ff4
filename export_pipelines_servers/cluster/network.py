"""Network namespaces for the machines of a cluster, on one bridge of this machine; a namespace can be cut off and healed."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PREFIX = "exp"  # of what is made here; the id of our process follows
SUBNETS = 256


@dataclass(frozen=True)
class Namespace:
    """A machine's side of the network: `address` is its own."""

    name: str
    link: str  # the end of its cable at the bridge
    address: str

    def command(self, words: Sequence[str]) -> list[str]:
        return [_ip_program(), "netns", "exec", self.name, *words]

    def cut(self) -> None:
        """Nothing comes or goes, and nobody is told."""
        _ip("link", "set", self.link, "down")

    def heal(self) -> None:
        _ip("link", "set", self.link, "up")


@dataclass
class Network:
    """`host` is the address of this machine on the bridge, where the servers listen."""

    name: str
    subnet: str  # the first three bytes of its addresses
    namespaces: list[Namespace] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"{self.subnet}.1"

    def namespace(self) -> Namespace:
        number = len(self.namespaces) + 2
        new = Namespace(f"{self.name}n{number}", f"{self.name}v{number}", f"{self.subnet}.{number}")
        self.namespaces.append(new)
        _ip("netns", "add", new.name)
        _ip("link", "add", new.link, "type", "veth", "peer", "name", "eth0", "netns", new.name)
        _ip("link", "set", new.link, "master", self.name, "up")
        _ip("-n", new.name, "address", "add", f"{new.address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", new.name, "link", "set", device, "up")
        return new


def has_namespaces() -> bool:
    """Whether this process may make them."""
    return os.geteuid() == 0 and shutil.which("ip") is not None and Path("/proc/self/ns/net").exists()


@contextmanager
def network() -> Iterator[Network]:
    """Gone when the block ends, with all that was made in it; as is what a killed process left."""
    _remove_left()
    new = Network(f"{PREFIX}{os.getpid()}", _free_subnet())
    try:
        _ip("link", "add", new.name, "type", "bridge")
        _ip("address", "add", f"{new.host}/24", "dev", new.name)
        _ip("link", "set", new.name, "up")
        yield new
    finally:
        _remove(new.name)


def _free_subnet() -> str:
    taken = _ip("-4", "-o", "address", "show") + _ip("-4", "route", "show", "table", "all")
    numbers = ((os.getpid() + n) % SUBNETS for n in range(SUBNETS))
    return next(subnet for subnet in (f"10.213.{number}" for number in numbers) if f" {subnet}." not in taken)


def _remove_left() -> None:
    for name in _ip("-br", "link", "show", "type", "bridge").split():
        pid = name.removeprefix(PREFIX)
        if name != pid and pid.isdigit() and not Path(f"/proc/{pid}").exists():
            _remove(name)


def _remove(name: str) -> None:
    for line in _ip("netns", "list").splitlines():
        if line.split()[0].startswith(f"{name}n"):
            _ip("netns", "delete", line.split()[0])
    _ip("link", "delete", name)


def _ip(*words: str) -> str:
    done = subprocess.run([_ip_program(), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"
    return done.stdout


def _ip_program() -> str:
    return shutil.which("ip") or "ip"
