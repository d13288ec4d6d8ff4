"""What a program of others is here: where it comes from, how it is asked, and how its answer becomes a table."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from export_pipelines_servers.packages import PATH
from readers.compare import Table

Ask = Callable[[str, Path], Table]
LONGEST_S = 180


@dataclass(frozen=True)
class Program:
    """`readings` has by form the ways to ask, in the program's own language; `ask` runs one of them over a file, which may
    raise anything. `unpackings` has by codec a way to ask for the rows of a compressed CSV. `debian` is the package that
    has to be there."""

    name: str
    version: Callable[[], str]
    ask: Ask
    readings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unpackings: Mapping[str, str] = field(default_factory=dict)
    debian: tuple[str, ...] = ()

    def install(self) -> None:
        """Raises FileNotFoundError for a package that cannot be had."""
        for package in self.debian:
            if not _debian(package) and os.geteuid() == 0:
                call = [
                    "apt-get",
                    "-qq",
                    "-o",
                    f"DPkg::Lock::Timeout={LONGEST_S}",
                    "install",
                    "-y",
                    "--no-install-recommends",
                    package,
                ]
                environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
                subprocess.run(call, check=False, stdout=subprocess.DEVNULL, env=environment)
            debian_version(package)


def debian_version(package: str) -> str:
    """The version that its makers gave it. Raises FileNotFoundError where it is not installed."""
    version = re.search(r"[0-9]+(\.[0-9]+){0,2}", _debian(package).split("really")[-1].split(":")[-1])
    if not version:
        raise FileNotFoundError(f"apt-get install {package}")
    return version[0]


def _debian(package: str) -> str:
    query = ["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Version}", package]
    done = subprocess.run(query, capture_output=True, text=True, check=False)
    return done.stdout.removeprefix("ii ").strip() if done.stdout.startswith("ii") else ""


def output_of(command: list[str], file: Path) -> bytes:
    """What a program says over a `file` (`$FILE`) in a folder of its own. Raises RuntimeError with its last words."""
    bin = str(Path(sys.executable).parent)
    environment = {
        **os.environ,
        "FILE": str(file),
        "PATH": f"{bin}{os.pathsep}{PATH}",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "HOME": str(file.parent),
    }
    done = subprocess.run(
        command, capture_output=True, env=environment, cwd=file.parent, check=False, timeout=LONGEST_S
    )
    if done.returncode:
        words = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
        raise RuntimeError(
            next((word for word in words if "rror" in word), words[-1])
            if words
            else f"exit code {done.returncode}"
        )
    return done.stdout


def shell(parse: Callable[[bytes], Table]) -> Ask:
    """The way to ask is a line of bash."""
    return lambda asked, file: parse(output_of(["bash", "-o", "pipefail", "-c", asked], file))


def from_csv(data: bytes) -> Table:
    """A program that gives CSV; null and the empty text are alike in it."""
    names, *rows = csv.reader(io.StringIO(data.decode(), newline=""))
    return Table(names, [list(row) for row in rows])


def from_json(data: bytes, number: Callable[[str], Any] = Decimal) -> Table:
    """A program that gives objects, in an array or one a line; `number` makes what it means by one with a point."""
    text = data.decode()
    if text.lstrip().startswith("["):
        objects = json.loads(text, parse_float=number)
    else:
        objects = [json.loads(line, parse_float=number) for line in text.split("\n") if line.strip()]
    names = list(dict.fromkeys(name for object in objects for name in object))
    return Table(names, [[object.get(name) for name in names] for object in objects])


def from_floats(data: bytes) -> Table:
    """A program that holds all numbers as doubles."""
    return from_json(data, float)
