"""Runs pieces of work in turn, each in a process of its own, and prints their medians as ratios to the first one."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parent.parent
MEMORY_BAR_MB = 400


@dataclass(frozen=True)
class Result:
    """What a piece of work took; 0 where that is not known."""

    seconds: float
    memory_mb: float = 0
    bytes: int = 0


Work = Mapping[str, Callable[[], Result]]


def compare(title: str, work: Work, runs: int, bars: Mapping[str, str], ours: tuple[str, ...]) -> None:
    """Prints a table; the ratio is to the first work. `ours` are held against the bar of memory."""
    results: dict[str, list[Result]] = {name: [] for name in work}
    for _ in range(runs):
        for name, run in work.items():
            results[name].append(run())
    print(
        f"{title}; medians of {runs} interleaved runs, {os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}"
    )
    print("| work | seconds | ratio | bar | peak MB | MB written |\n|---|---|---|---|---|---|")
    medians = {name: statistics.median(one.seconds for one in found) for name, found in results.items()}
    base = next(iter(medians.values()))
    for name, found in results.items():
        memory = max(one.memory_mb for one in found)
        size = f"{found[-1].bytes / 1e6:.0f}" if found[-1].bytes else ""
        ratio = medians[name] / base
        held = f"{memory:.0f}" if memory else ""
        print(f"| {name} | {medians[name]:.2f} | {ratio:.2f} | {bars.get(name, '')} | {held} | {size} |")
    over = [name for name in ours if max(one.memory_mb for one in results[name]) > MEMORY_BAR_MB]
    print(
        f"memory bar: {MEMORY_BAR_MB} MB" + (f"; over it: {', '.join(over)}" if over else ", held"),
        flush=True,
    )


def piece(name: str, store: str) -> Result:
    """A piece of benchmarks.work, which times itself without the start of Python."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.work", name, store],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    return Result(**json.loads(done.stdout.splitlines()[-1]))


def program(*command: str, environment: Mapping[str, str] | None = None) -> Result:
    """Another program whose output is thrown away, from its start to its end."""
    began = time.perf_counter()
    done = subprocess.run(
        command,
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, **(environment or {})},
    )
    if done.returncode:
        raise SystemExit(f"{command[0]} failed: {done.stderr.decode(errors='replace')}")
    return Result(time.perf_counter() - began)


def found(name: str) -> str | None:
    """The program's path; a peer that is not installed is left out, and said so."""
    path = os.environ.get(f"BENCH_{name.upper()}") or shutil.which(name)
    if path is None:
        print(f"{name} is not installed: left out (BENCH_{name.upper()} names it)")
    return path
