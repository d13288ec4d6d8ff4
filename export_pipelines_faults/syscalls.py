"""Faults at the calls of a process to the kernel: a small library that is preloaded into it counts the calls that write, and
lets a fault happen at the n-th one. See syscalls.c for what it does; this file compiles it, and arms it inside the process."""

import ctypes
import errno
import hashlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")
FLAGS = (
    "-std=gnu11",
    "-O2",
    "-mcpu=baseline",
    "-shared",
    "-fPIC",
    "-fno-sanitize=all",
    "-Wall",
    "-Wextra",
    "-Werror",
)
NETWORK = "network"
ANYWHERE = "anywhere"
# as the enum of syscalls.c numbers them
NUMBERS = {
    name: number
    for number, name in enumerate(
        (
            *("killed", "torn", "failed", "full", "stalled", "flipped", "short", "clock"),
            *("power cut, data lost", "power cut, names lost", "signal"),
        ),
        start=1,
    )
}
VALUES = {  # what a fault needs to know, unless the kind says something else
    "failed": errno.EIO,
    "full": errno.ENOSPC,
    "stalled": 300,  # milliseconds
    "flipped": 0,  # the byte of the piece, from its start
    "signal": signal.SIGINT,
}


@dataclass(frozen=True)
class AtCall:
    """A fault at a call that writes to `place` (a folder by its name in a world, the network, or anywhere). `share` of all calls
    of the work come before it; `step` is the number that the runner makes of it. `value`: see VALUES; seconds for the clock."""

    place: str
    fault: str
    share: float
    value: int = 0
    step: int = 0

    def __str__(self) -> str:
        return f"{self.fault} at call {self.step} to {self.place}"


@cache
def library() -> Path:
    """The compiled library, kept in the folder of temporary files by what it was compiled from."""
    digest = hashlib.sha256(SOURCE.read_bytes() + repr(FLAGS).encode()).hexdigest()[:16]
    path = Path(tempfile.gettempdir(), f"export_pipelines_syscalls_{digest}.so")
    if not path.exists():
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".so", delete=False) as new:
            new.close()
            compiler = [sys.executable, "-m", "ziglang", "cc", *FLAGS]
            subprocess.run([*compiler, "-o", new.name, str(SOURCE)], check=True)
            Path(new.name).rename(path)  # others may compile it, too
    return path


class Calls:
    """The library inside a process that it is preloaded into. `places` are folders by name; a folder inside another counts
    for itself."""

    def __init__(self, places: Mapping[str, str], faults: Iterable[AtCall]) -> None:
        self._library, self._slots = ctypes.CDLL(None), list(faults)
        self._places = {NETWORK: 0, ANYWHERE: -1}
        for name, prefix in places.items():
            self._places[name] = self._library.faults_place(prefix.encode())
        for slot, fault in enumerate(self._slots):
            value = fault.value or VALUES.get(fault.fault, 0)
            self._library.faults_arm(
                slot,
                self._places[fault.place],
                ctypes.c_long(fault.step),
                NUMBERS[fault.fault],
                ctypes.c_long(value),
            )
        self._library.faults_steps.restype = ctypes.c_long
        self._library.faults_watch(1)

    def end(self) -> tuple[dict[str, int], list[bool]]:
        """Stops counting; gives the calls to each place, and which faults happened."""
        self._library.faults_watch(0)
        steps = {name: int(self._library.faults_steps(place)) for name, place in self._places.items()}
        return steps, [bool(self._library.faults_struck(slot)) for slot in range(len(self._slots))]
