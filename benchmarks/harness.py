"""Runs pieces of work in turn, each in a process of its own, and prints their medians as ratios to the first one."""

import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parent.parent
MEMORY_BAR_MB = 400
PROGRAM = str(Path(sys.executable).with_name("export-pipelines"))
MEASURE = """\
import json, resource, subprocess, sys, time
began = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
seconds, usage = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))
sys.exit(code)
"""


@dataclass(frozen=True)
class Result:
    """What a piece of work took; 0 where that is not known."""

    seconds: float
    memory_mb: float = 0
    bytes: int = 0
    cpu_s: float = 0


Work = Mapping[str, Callable[[], Result]]


@dataclass(frozen=True)
class Bar:
    """What the median of a work is held against: at most or at least so many times that of the work `than`, or at most
    so many seconds `later`. It is not measured where that other work is not there."""

    than: str
    most: float | None = None
    least: float | None = None
    later: float | None = None

    def __str__(self) -> str:
        if self.later is not None:
            return f"<= {self.later:g} s more than {self.than}"
        return (
            f"<= {self.most:g} x {self.than}" if self.most is not None else f">= {self.least:g} x {self.than}"
        )

    def judged(self, mine: float, other: float) -> str:
        if self.later is not None:
            is_met = mine - other <= self.later
        else:
            is_met = mine <= other * self.most if self.most is not None else mine >= other * (self.least or 0)
        return "met" if is_met else "missed"


@dataclass(frozen=True)
class Judged:
    """A bar, and what was measured."""

    title: str
    work: str
    bar: str
    measured: str
    verdict: str


def compare(
    title: str, work: Work, runs: int, bars: Mapping[str, Bar], ours: tuple[str, ...]
) -> list[Judged]:
    """Prints a table; the ratio is to the first work. `ours` are held against the bar of memory."""
    results: dict[str, list[Result]] = {name: [] for name in work}
    for _ in range(runs):
        for name, run in work.items():
            results[name].append(run())
    print(
        f"{title}; medians of {runs} interleaved runs, {os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}"
    )
    print("| work | seconds | ratio | limit | peak MB | MB written |\n|---|---|---|---|---|---|")
    medians = {
        name: statistics.median(result.seconds for result in measured) for name, measured in results.items()
    }
    peaks = {name: max(result.memory_mb for result in measured) for name, measured in results.items()}
    base = next(iter(medians))
    judged = [_judged(title, name, bar, medians) for name, bar in bars.items()]
    verdicts = {verdict.work: f"{verdict.bar}: {verdict.verdict}" for verdict in judged}
    for name, measured in results.items():
        size = f"{measured[-1].bytes / 1e6:.0f}" if measured[-1].bytes else ""
        peak = f"{peaks[name]:.0f}" if peaks[name] else ""
        ratio = medians[name] / medians[base]
        print(f"| {name} | {medians[name]:.2f} | {ratio:.2f} | {verdicts.get(name, '')} | {peak} | {size} |")
    for name in ours:
        verdict = "met" if peaks[name] <= MEMORY_BAR_MB else "missed"
        judged.append(Judged(title, name, f"<= {MEMORY_BAR_MB} MB", f"{peaks[name]:.0f} MB", verdict))
    print("", flush=True)
    return judged


def _judged(title: str, name: str, bar: Bar, medians: Mapping[str, float]) -> Judged:
    if name not in medians or bar.than not in medians:
        return Judged(title, name, str(bar), "", "not measured")
    mine, its = medians[name], medians[bar.than]
    return Judged(title, name, str(bar), f"{mine:.2f} s, {mine / its:.2f} x", bar.judged(mine, its))


def all_bars(judged: Iterable[Judged]) -> None:
    """One table of everything that is held against a bar."""
    print("| measured | work | limit | result | |\n|---|---|---|---|---|")
    for verdict in judged:
        print(
            f"| {verdict.title} | {verdict.work} | {verdict.bar} | {verdict.measured} | {verdict.verdict} |"
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
    """Another program whose output is thrown away, from its start to its end, with what it starts: their CPU, and the memory of
    the largest one. A small process starts it, since Linux counts the memory of who starts a program as the program's."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", MEASURE, *command],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    if done.returncode:
        raise SystemExit(f"{command[0]} failed: {done.stderr}")
    seconds, cpu_s, memory_mb = json.loads(done.stdout)
    return Result(seconds, memory_mb, cpu_s=cpu_s)


def installed(name: str) -> str | None:
    """The program's path; a peer that is not installed is left out, and said so."""
    path = os.environ.get(f"BENCH_{name.upper()}") or shutil.which(name)
    if path is None:
        print(f"{name} is not installed: left out (BENCH_{name.upper()} names it)")
    return path
